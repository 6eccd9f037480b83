import { createHash } from "node:crypto";
import type { ServedResource } from "../served-resource.ts";
import { encodeOpenApiV2 } from "./open-api-v2-protobuf.ts";
import { openApiV2 } from "./open-api-v2.ts";
import { openApiV3 } from "./open-api-v3.ts";

/** A document as it is sent, and the hash that names this content of it. */
export interface HashedDocument {
  readonly body: Uint8Array;
  /** Upper-case hex of SHA-512, as in the URLs of the index. */
  readonly hash: string;
}

/** The OpenAPI documents of `resources`, made when they are first asked for and kept. */
export class OpenApiDocuments {
  readonly #version: string;
  readonly #resources: readonly ServedResource[];
  readonly #made = new Map<string, HashedDocument>();

  /** @param version What the documents say the API's version is. */
  constructor(version: string, resources: readonly ServedResource[]) {
    this.#version = version;
    this.#resources = resources;
  }

  /** The index of `/openapi/v3`: where the document of each group and version is. */
  index(): HashedDocument {
    return this.#document("index", () => {
      const paths: Record<string, { readonly serverRelativeURL: string }> = {};
      for (const path of this.#groupVersions()) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.group(path)?.hash ?? ""}` };
      }
      return Buffer.from(JSON.stringify({ paths }));
    });
  }

  /** The OpenAPI 3 document of `api/v1` or `apis/<group>/<version>`, or undefined when it is not served. */
  group(path: string): HashedDocument | undefined {
    const resources = this.#resources.filter((resource) => pathOf(resource) === path);
    if (resources.length === 0) return undefined;
    return this.#document(path, () => Buffer.from(JSON.stringify(openApiV3(resources, this.#version))));
  }

  /** The OpenAPI 2 document of everything. */
  v2(form: "json" | "protobuf"): HashedDocument {
    return this.#document(`v2 ${form}`, () => {
      const document = openApiV2(this.#resources, this.#version);
      return form === "json" ? Buffer.from(JSON.stringify(document)) : encodeOpenApiV2(document);
    });
  }

  #groupVersions(): readonly string[] {
    return [...new Set(this.#resources.map(pathOf))].sort();
  }

  #document(name: string, make: () => Uint8Array): HashedDocument {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const body = make();
    const made = { body, hash: createHash("sha512").update(body).digest("hex").toUpperCase() };
    this.#made.set(name, made);
    return made;
  }
}

function pathOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === "" ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`;
}

import { notAcceptable } from "./status.ts";

/** How a client wants objects: as they are, as a Table for printing, or their metadata only. */
export interface OutputForm {
  readonly encoding: "json" | "yaml" | "protobuf";
  readonly as: "Object" | "Table" | "PartialObjectMetadata";
  /** `meta.k8s.io/v1` or `meta.k8s.io/v1beta1`: the version of the Table or metadata. */
  readonly metaVersion: string;
}

/** One entry of an Accept header, its quality left out. */
export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The longest Accept header that is looked at, in media ranges. */
const RANGES_MAX = 32;
/** The media type of Kubernetes' protobuf. */
export const PROTOBUF = "application/vnd.kubernetes.protobuf";
const SUPPORTED = ["application/json", "application/yaml"] as const;

/** Returns the media ranges of an Accept header, the most wanted first (RFC 9110 section 12.5.1). */
export function parseAccept(header: string | undefined): readonly MediaRange[] {
  const text = header === undefined || header.trim() === "" ? "*/*" : header;
  const ranges = text
    .split(",", RANGES_MAX)
    .map(parseRange)
    .filter((range) => range.quality > 0);
  return ranges.sort((left, right) => right.quality - left.quality);
}

function parseRange(text: string): MediaRange & { readonly quality: number } {
  const [type = "", ...rest] = text.split(";");
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf("=");
    if (equals < 0) continue;
    parameters.set(parameter.slice(0, equals).trim().toLowerCase(), parameter.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get("q") ?? "1");
  return { type: type.trim().toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
}

/**
 * Returns the first form the client accepts that this API can make; protobuf only of kinds that have it. A list is asked for as `PartialObjectMetadataList`,
 * one object as `PartialObjectMetadata`; both count for both. Throws NotAcceptable when there is none.
 */
export function negotiate(header: string | undefined, hasProtobuf: boolean = false): OutputForm {
  for (const range of parseAccept(header)) {
    const encoding = encodingOf(range.type);
    const form = formOf(range.parameters);
    if (encoding === undefined || form === undefined) continue;
    // Tables and bare metadata are JSON; clients that want protobuf name that too.
    if (encoding !== "protobuf" || (hasProtobuf && form.as === "Object")) return { encoding, ...form };
  }
  throw notAcceptable(hasProtobuf ? [...SUPPORTED, PROTOBUF] : SUPPORTED);
}

function encodingOf(type: string): OutputForm["encoding"] | undefined {
  switch (type) {
    case "application/json":
    case "application/*":
    case "*/*":
    case "text/json":
      return "json";
    case "application/yaml":
    case "text/yaml":
      return "yaml";
    case PROTOBUF:
      return "protobuf";
    default:
      return undefined;
  }
}

function formOf(parameters: ReadonlyMap<string, string>): Omit<OutputForm, "encoding"> | undefined {
  const as = parameters.get("as");
  if (as === undefined) return { as: "Object", metaVersion: "meta.k8s.io/v1" };
  const version = parameters.get("v") ?? "";
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  const metaVersion = `meta.k8s.io/${version}`;
  if (as === "Table") return { as: "Table", metaVersion };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
    return { as: "PartialObjectMetadata", metaVersion };
  }
  return undefined;
}

/** The webhook configurations of `lintel manifests`, for an API server that reaches the webhook on loopback alone. */
import { arrayAt, recordAt, stringAt } from "../../src/ground/json.ts";
import type { InstallOptions } from "../../src/install/install-options.ts";
import { webhookObjects } from "../../src/install/webhook.ts";
import type { KubeObject } from "../../src/resource/object.ts";

/** What the tests ask `lintel manifests` for. */
export const INSTALL_OPTIONS: InstallOptions = {
  flavor: "bare-metal",
  name: "lintel",
  namespace: "lintel",
  image: "lintel:test",
  version: "1",
  replicas: 2,
  classes: ["lintel"],
  arguments: [],
  priorityClass: "",
  webhook: true,
};

export function webhookByUrl(name: string, port: number): readonly KubeObject[] {
  return webhookObjects({ ...INSTALL_OPTIONS, name })
    .filter(({ kind }) => kind !== "Service")
    .map((configuration) => ({
      ...configuration,
      webhooks: arrayAt(configuration, "webhooks").map((webhook) => {
        const path = stringAt(recordAt(recordAt(webhook, "clientConfig"), "service"), "path") ?? "";
        return {
          ...recordAt({ webhook }, "webhook"),
          clientConfig: { url: `https://127.0.0.1:${String(port)}${path}` },
        };
      }),
    }));
}

import { stringify } from "yaml";

/**
 * Returns the text of a kubeconfig with one context named `lintel`. The same format as `kubectl config view` prints, so
 * it merges with others through KUBECONFIG.
 */
export function kubeconfigText(options: {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly caPem: string;
  readonly token: string;
}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "lintel",
        cluster: {
          server: options.server,
          "certificate-authority-data": Buffer.from(options.caPem).toString("base64"),
        },
      },
    ],
    users: [{ name: "lintel", user: { token: options.token } }],
    contexts: [{ name: "lintel", context: { cluster: "lintel", user: "lintel", namespace: "default" } }],
    "current-context": "lintel",
  });
}

/** How to reach an API server and as whom; made from a kubeconfig or from what a Pod is given. */
export interface ClusterAccess {
  /** `https://10.0.0.1:6443`, perhaps with a path; never ends in a slash. */
  readonly server: string;
  /** PEM of the authorities that may vouch for the server. @default those of the system */
  readonly caPem?: string | undefined;
  /** Only where the kubeconfig says `insecure-skip-tls-verify`. */
  readonly skipVerify?: boolean;
  /** The name the server's certificate must have, where it is not the host of `server`. */
  readonly serverName?: string | undefined;
  /** The namespace the context or the Pod is in. */
  readonly namespace: string;
  /** Where this came from, for messages: `the kubeconfig "/home/x/.kube/config"`. */
  readonly source: string;
  /**
   * Returns what to present now. Tokens that rotate are read again, programs are run again when what they gave expires.
   * With `renew` what was given before was refused. Throws LintelError `BadConfig` when there is nothing to present.
   */
  credentials(renew?: boolean): Promise<ClusterCredentials>;
}

/** What proves who we are: a bearer token, a client certificate, or both. */
export interface ClusterCredentials {
  readonly token?: string | undefined;
  /** PEM. */
  readonly certificatePem?: string | undefined;
  /** PEM. */
  readonly keyPem?: string | undefined;
}

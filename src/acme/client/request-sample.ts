/** One request to a CA, for metrics. */
export interface AcmeRequestSample {
  /** `https`. */
  readonly scheme: string;
  /** With the port where it is not the scheme's own. */
  readonly host: string;
  /** What it was for, in the words of cert-manager's metrics, such as `get_order`. */
  readonly action: string;
  readonly method: string;
  /** {@link NO_ANSWER} when none came. */
  readonly status: number;
  readonly seconds: number;
}

/** The status of a request that was not answered; cert-manager's, too. */
export const NO_ANSWER = 999;

/** How the act that an error of this client names begins, and cert-manager's word for it. */
const ACTIONS: readonly (readonly [string, string])[] = [
  ["register", "register_account"],
  ["update the contact", "update_registration"],
  ["order a certificate", "authorize_order"],
  ["read ACME order", "get_order"],
  ["read ACME authorization", "get_authorization"],
  ["give up", "revoke_authorization"],
  ["have the CA validate", "accept_challenge"],
  ["have the certificate issued", "create_order_cert"],
  ["download", "fetch_cert"],
  ["revoke", "revoke_cert"],
  ["read renewal information", "get_renewal_info"],
  ["read ACME directory", "discover"],
  ["get a nonce", "get_nonce"],
  ["change the key", "account_key_rollover"],
  ["close", "deactivate_registration"],
];

/** Returns cert-manager's word for what a request does; `act` is the sentence that an error about it would begin with. */
export function acmeAction(act: string): string {
  return ACTIONS.find(([beginning]) => act.startsWith(beginning))?.[1] ?? "unnamed_action";
}

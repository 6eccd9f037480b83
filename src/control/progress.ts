/** What a person who waits for HTTPS wants to see go by: one line each. */
export interface ProgressEvent {
  readonly step:
    "certificate-ordered" | "challenge-presented" | "challenge-answered" | "certificate-ready" | "certificate-failed";
  readonly namespace: string;
  /** The Certificate; empty for a request that was made by hand. */
  readonly certificate: string;
  /** The names it is for; for challenges the one name. */
  readonly names: readonly string[];
  /** One sentence. */
  readonly message: string;
}

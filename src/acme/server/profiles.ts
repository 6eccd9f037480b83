import { stringAt } from "../../ground/json.ts";
import { ServerProblem } from "./server-problem.ts";

const DAY_MS = 86_400_000;

/** What a certificate of a profile is like (draft-aaron-acme-profiles). */
export interface Profile {
  /** One sentence for people, shown in the directory. */
  readonly description: string;
  /** Longest, and usual, lifetime: at most what every intermediate of the local CA has left when it signs. */
  readonly durationMs: number;
  /** Whether the request's common name stays in the subject. */
  readonly commonName: boolean;
  /** Whether RSA keys may also encipher keys, as TLS before 1.3 could ask for. */
  readonly keyEncipherment: boolean;
}

/** The profile of orders that name none. */
const DEFAULT_PROFILE = "default";

const PROFILES: Readonly<Record<string, Profile>> = {
  [DEFAULT_PROFILE]: {
    description: "Five days, for TLS servers, with the common name that was asked for",
    durationMs: 5 * DAY_MS,
    commonName: true,
    keyEncipherment: true,
  },
  tlsserver: {
    description: "Five days, for TLS servers, without a common name and without key encipherment",
    durationMs: 5 * DAY_MS,
    commonName: false,
    keyEncipherment: false,
  },
  shortlived: {
    description: "One day, otherwise as tlsserver",
    durationMs: DAY_MS,
    commonName: false,
    keyEncipherment: false,
  },
};

/** Returns the name and the description of every profile, as the directory shows them. */
export function profileDescriptions(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(PROFILES).map(([name, profile]) => [name, profile.description]));
}

/** Returns the profile an order names, the default one when it names none. Throws invalidProfile for one that does not exist. */
export function profileOf(payload: unknown): { readonly name: string; readonly profile: Profile } {
  const name = stringAt(payload, "profile") ?? DEFAULT_PROFILE;
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (profile !== undefined) return { name, profile };
  const known = Object.keys(PROFILES).join(", ");
  throw new ServerProblem(400, "invalidProfile", `There is no profile "${name.slice(0, 100)}"; this CA has ${known}`);
}

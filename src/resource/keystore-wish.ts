import { booleanAt, isRecord, recordAt, stringAt } from "../ground/json.ts";

/** How the contents of a PKCS#12 file are protected. `LegacyRC2` is what cert-manager has always written, and the weakest. */
export const PKCS12_PROFILES = ["LegacyRC2", "LegacyDES", "Modern2023", "Modern2026"] as const;
/** One of {@link PKCS12_PROFILES}. */
export type Pkcs12Profile = (typeof PKCS12_PROFILES)[number];

/** Where the password of a keystore is. */
export type KeystorePassword =
  | { readonly kind: "literal"; readonly text: string }
  /** An entry of a Secret in the Certificate's namespace. */
  | { readonly kind: "secret"; readonly name: string; readonly key: string };

/** The keystores that the Secret shall have. */
export interface KeystoreWishes {
  readonly pkcs12: { readonly profile: Pkcs12Profile; readonly password: KeystorePassword } | undefined;
  readonly jks: { readonly alias: string; readonly password: KeystorePassword } | undefined;
}

/** The alias of the key in a Java keystore. */
const JKS_ALIAS_DEFAULT = "certificate";

/** Reads `spec.keystores`; one without `create: true` is not wanted. What can't be honoured gets a sentence in `problems`. */
export function readKeystores(spec: unknown, problems: string[]): KeystoreWishes {
  const keystores = recordAt(spec, "keystores");
  const { pkcs12, jks } = keystores;
  const pkcs12Password = wantedPassword(pkcs12, "pkcs12", problems);
  const jksPassword = wantedPassword(jks, "jks", problems);
  const alias = stringAt(jks, "alias");
  return {
    pkcs12:
      pkcs12Password === undefined ? undefined : { profile: readProfile(pkcs12, problems), password: pkcs12Password },
    jks: jksPassword === undefined ? undefined : { alias: alias ?? JKS_ALIAS_DEFAULT, password: jksPassword },
  };
}

function readProfile(keystore: unknown, problems: string[]): Pkcs12Profile {
  const asked = stringAt(keystore, "profile") ?? "";
  const known = PKCS12_PROFILES.find((profile) => profile === asked);
  if (known === undefined && asked !== "") {
    problems.push(`spec.keystores.pkcs12.profile "${asked}" is none of ${PKCS12_PROFILES.join(", ")}`);
  }
  return known ?? "LegacyRC2";
}

function wantedPassword(keystore: unknown, name: string, problems: string[]): KeystorePassword | undefined {
  if (!isRecord(keystore) || booleanAt(keystore, "create") !== true) return undefined;
  const text = stringAt(keystore, "password");
  const reference = recordAt(keystore, "passwordSecretRef");
  const secretName = stringAt(reference, "name") ?? "";
  const path = `spec.keystores.${name}`;
  if ((text === undefined) === (secretName === "")) {
    problems.push(`${path} needs exactly one of passwordSecretRef and password`);
    return undefined;
  }
  if (text === "") {
    problems.push(`${path}.password is empty`);
    return undefined;
  }
  return text === undefined
    ? { kind: "secret", name: secretName, key: stringAt(reference, "key") ?? "" }
    : { kind: "literal", text };
}

import { SECRET } from "../../resource/kind.ts";
import { writeObject } from "../status-writer.ts";
import type { World } from "../world.ts";
import { recordedCertificate, recordedIssuer } from "./recorded.ts";
import type { Facts } from "./facts.ts";
import { readKeystorePasswords, withKeystores } from "./keystores.ts";
import { withOutputFormats } from "./secret.ts";
import { withManagedMetadata } from "./secret-metadata.ts";

/**
 * Keeps everything in the Secret that needs no new certificate as the spec has it: annotations, the user's template, further
 * forms of key and certificate, keystores. Does nothing with a Secret whose certificate is not this Certificate's.
 */
export async function refreshSecret(world: World, facts: Facts): Promise<void> {
  const { certificate, secret } = facts;
  const leaf = secret?.certificate;
  const { annotations = {} } = secret ?? {};
  const signer = recordedIssuer(annotations);
  if (leaf === undefined || secret?.key === undefined || signer.name === "") return;
  if ((recordedCertificate(annotations) ?? certificate.name) !== certificate.name) return;
  const found = await world.store.get(SECRET, certificate.namespace, certificate.spec.secretName);
  if (found === undefined) return;
  if (secret.keystores.kind === "blocked") {
    world.events.warning(certificate.object, "KeystorePasswordSecretNotFound", secret.keystores.message);
  }
  const passwords = await readKeystorePasswords(world, certificate);
  await writeObject(world.store, SECRET, found, (current) => {
    const managed = withOutputFormats(withManagedMetadata(current, certificate, leaf, signer), certificate);
    return withKeystores(managed, certificate, passwords, facts.nowMs);
  });
}

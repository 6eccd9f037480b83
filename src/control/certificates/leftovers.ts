import { readCertificateRequest } from "../../resource/certificate-request.ts";
import type { Certificate } from "../../resource/certificate.ts";
import { CERTIFICATE_REQUEST, SECRET } from "../../resource/kind.ts";
import { BY_OWNER } from "../caches.ts";
import { removeObject } from "../status-writer.ts";
import type { World } from "../world.ts";
import { isIssuing } from "./decide.ts";
import { NEXT_PRIVATE_KEY_LABEL } from "./secret.ts";

/** Removes the key Secrets of attempts that are over, and the requests of revisions beyond the history limit. */
export async function removeLeftovers(world: World, certificate: Certificate): Promise<void> {
  const { caches, store } = world;
  const uid = certificate.object.metadata.uid ?? "";
  const issuing = isIssuing(certificate.status.conditions);
  for (const secret of issuing ? [] : caches.secrets.find(BY_OWNER, uid)) {
    const isNextKey = secret.metadata.labels?.[NEXT_PRIVATE_KEY_LABEL] === "true";
    if (isNextKey && secret.metadata.name !== certificate.status.nextPrivateKeySecretName) {
      await removeObject(store, SECRET, secret);
    }
  }
  const oldest = certificate.status.revision - certificate.spec.revisionHistoryLimit;
  for (const object of caches.requests.find(BY_OWNER, uid)) {
    const { revision } = readCertificateRequest(object);
    if (revision !== undefined && revision <= oldest) await removeObject(store, CERTIFICATE_REQUEST, object);
  }
}

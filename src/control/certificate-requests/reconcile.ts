import { certificateId } from "../../acme/certificate-id.ts";
import { isLintelError, messageOf, type LintelError } from "../../ground/errors.ts";
import { spkiFingerprint } from "../../pki/key.ts";
import { selfSign, signRequest, type CertificateTerms, type IssuedChain } from "../../pki/sign.ts";
import { parseRequest, type RequestFacts } from "../../pki/x509/request.ts";
import {
  base64At,
  readCertificateRequest,
  toBase64,
  type CertificateRequest,
  type CertificateRequestReason,
} from "../../resource/certificate-request.ts";
import {
  CERTIFICATE_ANNOTATIONS,
  DEFAULT_DURATION_MS,
  usagesOrDefault,
  readCertificate,
} from "../../resource/certificate.ts";
import { conditionsOf, rfc3339, withCondition } from "../../resource/condition.ts";
import { formatGoDuration } from "../../resource/go-duration.ts";
import type { Issuer, IssuerPointers } from "../../resource/issuer.ts";
import { apiVersionOf, CERTIFICATE, CERTIFICATE_REQUEST, ORDER, SECRET } from "../../resource/kind.ts";
import { controllerReference, objectKey, type KubeObject } from "../../resource/object.ts";
import { readOrder } from "../../resource/order.ts";
import { failureAnnotations, type FailureNote } from "../acme-limits/failure-cause.ts";
import type { VaultSpec } from "../../resource/vault-spec.ts";
import { BY_ISSUER, BY_SECRET, issuerKey, ownerName } from "../caches.ts";
import { keyPemOf, readLeaf } from "../certificates/read-facts.ts";
import { readKey } from "../certificates/private-key.ts";
import { signWithVault } from "../issuers/vault.ts";
import { nameWithHash, splitKey } from "../object-name.ts";
import { removeOrphan } from "../orphan.ts";
import { cachedIssuer, issuerKindOf, secretNamespaceOf } from "../signer.ts";
import { annotate, writeStatus, type StatusFields } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";
import { decide, type OwnKey, type RequestDecision, type RequestFactsAround } from "./decide.ts";

/** Steps for one key before others get their turn: approve, order, wait. */
const STEPS_MAX = 4;
/** RFC 5280 section 4.1.2.4: the issuer of a self-signed certificate is its own subject. */
const NAMELESS_ISSUER =
  "The certificate will have an empty issuer name, which contravenes RFC 5280 and breaks some clients; give it a commonName or a subject";
/** Clocks of others may be behind ours by so much. */
const BACKDATE_MS = 60_000;

/** Has CertificateRequests approved and signed. Keys are those of CertificateRequests. */
export function openCertificateRequests(world: World): WorkQueue {
  const { caches } = world;
  const queue = new WorkQueue({ ...world, name: "certificate-requests", reconcile: (key) => reconcile(world, key) });
  const wake = (object: KubeObject): void => queue.add(objectKey(object));
  caches.requests.subscribe(({ after }) => {
    if (after !== undefined) wake(after);
  });
  caches.orders.subscribe(({ before, after }) => {
    const order = after ?? before;
    const owner = order === undefined ? undefined : ownerName(order, CERTIFICATE_REQUEST.kind);
    if (owner !== undefined) queue.add(`${order?.metadata.namespace ?? ""}/${owner}`);
  });
  caches.secrets.subscribe(({ after }) => {
    if (after !== undefined) caches.requests.find(BY_SECRET, objectKey(after)).forEach(wake);
  });
  for (const cache of [caches.issuers, caches.clusterIssuers]) {
    cache.subscribe(({ after }) => {
      if (after === undefined) return;
      const reference = { name: after.metadata.name, kind: after.kind, group: "" };
      caches.requests.find(BY_ISSUER, issuerKey(reference, after.metadata.namespace ?? "")).forEach(wake);
    });
  }
  return queue;
}

async function reconcile(world: World, key: string): Promise<Recheck> {
  const { namespace, name } = splitKey(key);
  for (let taken = 0; taken < STEPS_MAX; taken++) {
    const object = await world.store.get(CERTIFICATE_REQUEST, namespace, name);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
    const owner = { kind: CERTIFICATE, seen: world.caches.certificates };
    if (await removeOrphan(world.store, { kind: CERTIFICATE_REQUEST, object }, owner)) return undefined;
    const facts = await readFacts(world, readCertificateRequest(object));
    if (!(await act(world, facts, decide(facts)))) return undefined;
  }
  return { afterMs: 0 };
}

async function readFacts(world: World, request: CertificateRequest): Promise<RequestFactsAround> {
  const { issuerRef } = request.spec;
  const issuer = cachedIssuer(world, issuerRef, request.namespace);
  const csr = readCsr(request.spec.requestPem);
  const orderName =
    issuer?.spec.kind === "acme" && csr !== undefined ? orderObject(request, issuer, csr, undefined).metadata.name : "";
  const order = orderName === "" ? undefined : await world.store.get(ORDER, request.namespace, orderName);
  return {
    request,
    csr,
    csrSignatureValid: csr !== undefined && (await csr.signatureValid),
    answerable: issuerKindOf(issuerRef) !== undefined,
    issuer,
    order: order === undefined ? undefined : readOrder(order),
    ownKey: issuer?.spec.kind === "selfSigned" ? await readOwnKey(world, request) : undefined,
  };
}

async function readOwnKey(world: World, request: CertificateRequest): Promise<OwnKey> {
  const secret = await world.store.get(SECRET, request.namespace, request.privateKeySecretName ?? "");
  if (secret === undefined) return { kind: "missing" };
  const key = readKey(keyPemOf(secret));
  return key === undefined ? { kind: "unreadable" } : { kind: "found", spkiSha256: spkiFingerprint(key) };
}

function readCsr(pem: string): RequestFacts | undefined {
  try {
    return parseRequest(pem);
  } catch (error) {
    if (isLintelError(error)) return undefined;
    throw error;
  }
}

/** Returns whether the world must be read again for the next step. */
async function act(world: World, facts: RequestFactsAround, decision: RequestDecision): Promise<boolean> {
  const { request, issuer } = facts;
  switch (decision.kind) {
    case "ignore":
      return false;
    case "approve":
      await approve(world, request);
      return true;
    case "deny":
      await writeReady(world, request, "Denied", "The CertificateRequest was denied by an approval controller");
      return false;
    case "wait":
      // Waiting for a person to say yes is no fault.
      if (decision.event === "WaitingForApproval")
        world.events.normal(request.object, decision.event, decision.message);
      else if (decision.event !== undefined) world.events.warning(request.object, decision.event, decision.message);
      await writeReady(world, request, "Pending", decision.message);
      return false;
    case "createOrder":
      if (issuer !== undefined && facts.csr !== undefined) await createOrder(world, request, issuer, facts.csr);
      return true;
    case "signWithCa":
      return issuer === undefined ? false : sign(world, request, () => signWithCa(world, request, issuer, decision));
    case "signWithOwnKey":
      if (decision.namelessIssuer) world.events.warning(request.object, "BadConfig", NAMELESS_ISSUER);
      return sign(world, request, () => signWithOwnKey(world, request, decision.pointers));
    case "signWithVault":
      if (issuer !== undefined && facts.csr !== undefined) {
        await askVault(world, request, issuer, { vault: decision.vault, csr: facts.csr });
      }
      return false;
    case "issue":
      await issue(world, request, {
        chain: decision.certificatePem,
        ca: issuer === undefined ? "" : world.accounts.rootOf(issuer),
      });
      return false;
    case "fail":
      await fail(world, request, decision.message, decision.note);
      return false;
    default:
      return decision satisfies never;
  }
}

async function approve(world: World, request: CertificateRequest): Promise<void> {
  const message = "Certificate request has been approved by cert-manager.io";
  const nowMs = world.clock.nowMs();
  await writeStatus(world.store, CERTIFICATE_REQUEST, request.object, (status) => ({
    ...status,
    conditions: withCondition(
      conditionsOf(status),
      { type: "Approved", status: "True", reason: "cert-manager.io", message },
      nowMs,
    ),
  }));
  world.events.normal(request.object, "cert-manager.io", message);
}

/** The name follows from the content, so that two attempts to make it meet the same Order. */
function orderObject(
  request: CertificateRequest,
  issuer: Issuer,
  csr: RequestFacts,
  replaces: string | undefined,
): KubeObject {
  const { labels, annotations } = request.object.metadata;
  const { spec } = issuer;
  const orderSpec = {
    request: toBase64(request.spec.requestPem),
    issuerRef: request.spec.issuerRef,
    ...(csr.commonName === "" ? {} : { commonName: csr.commonName }),
    ...(csr.dnsNames.length === 0 ? {} : { dnsNames: csr.dnsNames }),
    ...(csr.ipAddresses.length === 0 ? {} : { ipAddresses: csr.ipAddresses }),
    ...(spec.kind === "acme" && spec.enableDurationFeature
      ? { duration: formatGoDuration(request.spec.durationMs ?? DEFAULT_DURATION_MS) }
      : {}),
    ...(spec.kind === "acme" && spec.profile !== undefined ? { profile: spec.profile } : {}),
  };
  return {
    apiVersion: apiVersionOf(ORDER),
    kind: ORDER.kind,
    metadata: {
      name: nameWithHash(request.name, orderSpec),
      namespace: request.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(request.object)],
    },
    // Not part of the name: what the CA said about the old certificate may change meanwhile.
    spec: { ...orderSpec, ...(replaces === undefined ? {} : { replaces }) },
  };
}

/**
 * The certificate that the new one replaces, as renewal information names it (RFC 9773 section 5): only where the CA gave
 * renewal information about it, so it knows the certificate. Such orders are exempt from Let's Encrypt's limits.
 */
async function replacedBy(world: World, request: CertificateRequest): Promise<string | undefined> {
  const name = request.object.metadata.annotations?.[CERTIFICATE_ANNOTATIONS.certificateName];
  const object = name === undefined ? undefined : world.caches.certificates.get(request.namespace, name);
  if (object === undefined) return undefined;
  const { spec, status } = readCertificate(object);
  if (status.renewalWindow === undefined) return undefined;
  const secret = await world.store.get(SECRET, request.namespace, spec.secretName);
  const pem = base64At(secret?.["data"], "tls.crt");
  return pem === undefined || readLeaf(pem) === undefined ? undefined : certificateId(pem);
}

async function createOrder(
  world: World,
  request: CertificateRequest,
  issuer: Issuer,
  csr: RequestFacts,
): Promise<void> {
  const order = orderObject(request, issuer, csr, await replacedBy(world, request));
  try {
    await world.store.create(ORDER, order);
  } catch (error) {
    if (isLintelError(error, "AlreadyExists")) return;
    throw error;
  }
  const where = `${request.namespace}/${order.metadata.name}`;
  world.events.normal(request.object, "OrderCreated", `Created Order resource ${where}`);
}

async function sign(world: World, request: CertificateRequest, make: () => Promise<IssuedChain>): Promise<boolean> {
  let issued: IssuedChain;
  try {
    issued = await make();
  } catch (error) {
    if (!isLintelError(error)) throw error;
    await fail(world, request, withHint(error));
    return false;
  }
  await issue(world, request, issued);
  return false;
}

function withHint(error: LintelError): string {
  return error.hint === undefined ? messageOf(error) : `${messageOf(error)}. ${error.hint}`;
}

async function signWithCa(
  world: World,
  request: CertificateRequest,
  issuer: Issuer,
  { secretName, pointers }: { readonly secretName: string; readonly pointers: IssuerPointers },
): Promise<IssuedChain> {
  const secret = await world.store.get(SECRET, secretNamespaceOf(world, issuer), secretName);
  const key = secret === undefined ? undefined : readKey(keyPemOf(secret));
  const chain = base64At(secret?.["data"], "tls.crt");
  // The issuer was ready a moment ago: throw, and find out from its condition what is wrong now.
  if (key === undefined || chain === undefined) throw new Error(`The key pair of issuer "${issuer.name}" is gone`);
  const root = base64At(secret?.["data"], "ca.crt");
  return signRequest({
    csr: request.spec.requestPem,
    authority: { chain, key, ...(root === undefined ? {} : { root }) },
    ...termsOf(world, request),
    ...pointerTerms(pointers),
  });
}

/** Throws, which means "again later", when Vault can't be asked now: the issuer is looked at again meanwhile. */
async function askVault(
  world: World,
  request: CertificateRequest,
  issuer: Issuer,
  { vault, csr }: { readonly vault: VaultSpec; readonly csr: RequestFacts },
): Promise<void> {
  const durationMs = request.spec.durationMs ?? DEFAULT_DURATION_MS;
  const outcome = await signWithVault(world, issuer, vault, { csrPem: request.spec.requestPem, csr, durationMs });
  switch (outcome.kind) {
    case "signed":
      return issue(world, request, outcome.chain);
    case "refused":
      return fail(world, request, withHint(outcome.error));
    case "unavailable":
      world.doubts.report(issuer);
      await writeReady(world, request, "Pending", withHint(outcome.error));
      throw outcome.error;
    default:
      return outcome satisfies never;
  }
}

async function signWithOwnKey(
  world: World,
  request: CertificateRequest,
  pointers: IssuerPointers,
): Promise<IssuedChain> {
  const name = request.privateKeySecretName;
  const secret = name === undefined ? undefined : await world.store.get(SECRET, request.namespace, name);
  const key = secret === undefined ? undefined : readKey(keyPemOf(secret));
  if (key === undefined)
    throw new Error(`The private key Secret "${name ?? ""}" of a self-signed request is not there`);
  return selfSign({ csr: request.spec.requestPem, key, ...termsOf(world, request), ...pointerTerms(pointers) });
}

function pointerTerms(pointers: IssuerPointers): Pick<CertificateTerms, "revocationListUrls" | "authorityAccess"> {
  const { crlDistributionPoints, ocspServers, issuingCertificateUrls } = pointers;
  return { revocationListUrls: crlDistributionPoints, authorityAccess: { ocspServers, issuingCertificateUrls } };
}

function termsOf(
  world: World,
  request: CertificateRequest,
): { notBeforeMs: number; durationMs: number; isCa: boolean; usages: readonly string[] } {
  const durationMs = request.spec.durationMs ?? DEFAULT_DURATION_MS;
  return {
    notBeforeMs: world.clock.nowMs() - BACKDATE_MS,
    durationMs: durationMs + BACKDATE_MS,
    isCa: request.spec.isCa,
    usages: usagesOrDefault(request.spec.usages),
  };
}

async function issue(world: World, request: CertificateRequest, issued: IssuedChain): Promise<void> {
  const message = "Certificate fetched from issuer successfully";
  const fields = {
    certificate: toBase64(issued.chain),
    ...(issued.ca === "" ? {} : { ca: toBase64(issued.ca) }),
  };
  await writeReady(world, request, "Issued", message, fields);
  world.events.normal(request.object, "CertificateIssued", message);
}

async function fail(world: World, request: CertificateRequest, message: string, note?: FailureNote): Promise<void> {
  if (note !== undefined) await annotate(world.store, CERTIFICATE_REQUEST, request.object, failureAnnotations(note));
  await writeReady(world, request, "Failed", message);
  world.events.warning(request.object, "Failed", message);
}

async function writeReady(
  world: World,
  request: CertificateRequest,
  reason: CertificateRequestReason,
  message: string,
  fields: StatusFields = {},
): Promise<void> {
  const nowMs = world.clock.nowMs();
  const status = reason === "Issued" ? "True" : "False";
  const over = reason === "Failed" || reason === "Denied";
  await writeStatus(world.store, CERTIFICATE_REQUEST, request.object, (before) => ({
    ...before,
    ...fields,
    ...(over && before["failureTime"] === undefined ? { failureTime: rfc3339(nowMs) } : {}),
    conditions: withCondition(conditionsOf(before), { type: "Ready", status, reason, message }, nowMs),
  }));
}

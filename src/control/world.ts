import type { Clock } from "../ground/clock.ts";
import type { Logger } from "../ground/log.ts";
import type { IssuerReference } from "../resource/certificate.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { AcmeAccounts } from "./acme-accounts.ts";
import type { CertificateAlert } from "./alerts/reconcile.ts";
import type { LimitLedger } from "./acme-limits/ledger.ts";
import type { Caches } from "./caches.ts";
import type { Dns01 } from "./challenges/dns01.ts";
import type { EventRecorder } from "./event-recorder.ts";
import type { UnsavedOrders } from "./orders/unsaved-orders.ts";
import type { Preflight } from "./preflight/preflight.ts";
import type { IssuerDoubts } from "./issuers/issuer-doubts.ts";
import type { ServiceAccountTokens } from "./issuers/vault.ts";
import type { ProgressEvent } from "./progress.ts";

/** Waits for things to be in front of the world: on every live worker. Each rejects when its signal aborts first. */
export interface Live {
  /** Resolves once the edge answers `token`, over HTTP or in the handshake, as its challenge asks. */
  challengeServed(token: string, signal: AbortSignal): Promise<void>;
  /** Resolves once the edge has seen `secret` at this version or a later one. */
  secretServed(secret: KubeObject, signal: AbortSignal): Promise<void>;
}

/** Everything outside that controllers reach for; made once per control plane and handed to each of them. */
export interface World {
  readonly store: Store;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly caches: Caches;
  readonly events: EventRecorder;
  readonly accounts: AcmeAccounts;
  readonly live: Live;
  readonly dns01: Dns01;
  readonly preflight: Preflight;
  readonly limits: LimitLedger;
  readonly unsavedOrders: UnsavedOrders;
  readonly doubts: IssuerDoubts;
  /** Undefined where there is no cluster that knows service accounts. */
  readonly serviceAccountTokens: ServiceAccountTokens | undefined;
  /** Where the Secrets of ClusterIssuers live. */
  readonly clusterResourceNamespace: string;
  /** Who signs for `kubernetes.io/tls-acme`; undefined: that annotation is a mistake here. */
  readonly defaultIssuer: IssuerReference | undefined;
  /** Who really signs for ACME issuers while offline: recorded on the Secret. */
  readonly offlineIssuer: IssuerReference;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Tells people outside about a certificate. */
  readonly onAlert: (alert: CertificateAlert) => void;
}

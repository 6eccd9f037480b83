import type { Schema } from "./schema.ts";
import { TEXT, atomicList, bytes, flag, moment, struct, text } from "./schema.ts";
import { issuerReference } from "./certificate.ts";
import { topLevel } from "./metadata.ts";
import { SOLVER_SCHEMA } from "./solver.ts";

const STATES = ["valid", "ready", "pending", "processing", "invalid", "expired", "errored"] as const;

const AUTHORIZATION: Schema = struct(
  undefined,
  "One name the CA wants proof for.",
  {
    challenges: atomicList(
      struct(
        undefined,
        "One way to prove it.",
        {
          token: text("Token of the challenge."),
          type: text("Kind of challenge, such as http-01."),
          url: text("URL of the challenge at the CA."),
        },
        { required: ["token", "type", "url"] },
      ),
      "Ways to prove it.",
    ),
    identifier: text("The name."),
    initialState: text("State when the order was made.", { enum: STATES }),
    url: text("URL of the authorization at the CA."),
    wildcard: flag("Whether it is for *.identifier."),
  },
  { required: ["url"] },
);

/** Order, acme.cert-manager.io/v1. */
export const ORDER_SCHEMA: Schema = topLevel(
  "io.cert-manager.acme.v1.Order",
  "One order of a certificate at an ACME server.",
  {
    spec: struct(
      undefined,
      "What is ordered.",
      {
        commonName: text("Common name of the certificate; must be among the names."),
        dnsNames: atomicList(TEXT, "DNS names of the certificate."),
        duration: text("Wanted lifetime."),
        ipAddresses: atomicList(TEXT, "IP addresses of the certificate."),
        issuerRef: issuerReference("ACME issuer to order from."),
        profile: text("Certificate profile to ask for."),
        replaces: text("Certificate that this one replaces, by its ARI id."),
        request: bytes("The signing request: PEM, in base64."),
      },
      { required: ["issuerRef", "request"] },
    ),
    status: struct(undefined, "State of the order.", {
      authorizations: atomicList(AUTHORIZATION, "Names the CA wants proof for."),
      certificate: bytes("The certificate and its chain: PEM, in base64."),
      failureTime: moment("When the order failed."),
      finalizeURL: text("URL that completes the order."),
      reason: text("Why the order is in its state."),
      state: text("State of the order at the CA.", { enum: STATES }),
      url: text("URL of the order at the CA."),
    }),
  },
  { required: ["metadata", "spec"] },
);

/** Challenge, acme.cert-manager.io/v1. */
export const CHALLENGE_SCHEMA: Schema = topLevel(
  "io.cert-manager.acme.v1.Challenge",
  "One proof that a name is ours.",
  {
    spec: struct(
      undefined,
      "What has to be proven and how.",
      {
        authorizationURL: text("URL of the authorization at the CA."),
        dnsName: text("Name to prove."),
        issuerRef: issuerReference("ACME issuer the order is with."),
        key: text("Answer to the challenge: the key authorization, or its digest for DNS."),
        solver: SOLVER_SCHEMA,
        token: text("Token of the challenge."),
        type: text("HTTP-01, DNS-01, TLS-ALPN-01 or DNS-PERSIST-01.", {
          enum: ["HTTP-01", "DNS-01", "TLS-ALPN-01", "DNS-PERSIST-01"],
        }),
        url: text("URL of the challenge at the CA."),
        wildcard: flag("Whether it is for *.dnsName."),
      },
      { required: ["authorizationURL", "dnsName", "issuerRef", "key", "solver", "token", "type", "url"] },
    ),
    status: struct(undefined, "State of the challenge.", {
      presented: flag("Whether the answer is being served."),
      presentedAt: moment("Since when the answer is being served."),
      processing: flag("Whether the challenge is being worked on."),
      reason: text("Why the challenge is in its state."),
      state: text("State of the challenge at the CA.", { enum: STATES }),
    }),
  },
  { required: ["metadata", "spec"] },
);

import { createHash, createHmac } from "node:crypto";

/** Credentials of an AWS account. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a role that was assumed. */
  readonly sessionToken?: string | undefined;
}

/** A request to sign; `headers` must have all that is sent beside the ones this adds. */
export interface AwsRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Returns the headers of `request` with AWS Signature Version 4 over all of them, the host, and the body. */
export function signAwsRequest(
  request: AwsRequest,
  options: {
    readonly credentials: AwsCredentials;
    readonly region: string;
    readonly service: string;
    readonly nowMs: number;
  },
): Readonly<Record<string, string>> {
  const { credentials, region, service } = options;
  const url = new URL(request.url);
  const stamp = `${new Date(options.nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  const day = stamp.slice(0, 8);
  const headers: Readonly<Record<string, string>> = {
    ...request.headers,
    "X-Amz-Date": stamp,
    ...(credentials.sessionToken === undefined ? {} : { "X-Amz-Security-Token": credentials.sessionToken }),
  };
  const canonical = [...Object.entries(headers), ["Host", url.host] as const]
    .map(([name, value]) => [name.toLowerCase(), value.trim().replaceAll(/ +/g, " ")] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const signedHeaders = canonical.map(([name]) => name).join(";");
  const query = [...url.searchParams]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
  const canonicalRequest = [
    request.method,
    // Each part of the path is escaped once more than it already is.
    url.pathname.split("/").map(escaped).join("/"),
    query,
    ...canonical.map(([name, value]) => `${name}:${value}`),
    "",
    signedHeaders,
    hash(request.body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", stamp, scope, hash(canonicalRequest)].join("\n");
  const key = [region, service, "aws4_request"].reduce(
    (parent, part) => mac(parent, part),
    mac(`AWS4${credentials.secretAccessKey}`, day),
  );
  const signature = mac(key, text).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return { ...headers, Authorization: authorization };
}

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

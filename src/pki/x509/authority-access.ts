import { LintelError } from "../../ground/errors.ts";
import { encodeDer, oid, sequence } from "./der.ts";

/** Access methods (RFC 5280 section 4.2.2.1). */
const OCSP_OID = "1.3.6.1.5.5.7.48.1";
const CA_ISSUERS_OID = "1.3.6.1.5.5.7.48.2";
/** Context tag of a URI among GeneralNames. */
const URI = 0x86;

/** Where clients find what belongs to the authority of a certificate: URLs, none by default (RFC 5280 section 4.2.2.1). */
export interface AuthorityAccess {
  /** OCSP responders. */
  readonly ocspServers?: readonly string[] | undefined;
  /** The certificate of the authority that signed. */
  readonly issuingCertificateUrls?: readonly string[] | undefined;
}

/** Returns the DER of AuthorityInfoAccess; undefined without any URL. Throws BadConfig for a URL that is not ASCII. */
export function encodeInformationAccess(urls: AuthorityAccess): Uint8Array | undefined {
  const parts = [...access(OCSP_OID, urls.ocspServers), ...access(CA_ISSUERS_OID, urls.issuingCertificateUrls)];
  return parts.length === 0 ? undefined : sequence(...parts);
}

function access(method: string, urls: readonly string[] = []): readonly Uint8Array[] {
  return urls.map((url) => sequence(oid(method), uriName(url)));
}

/** Returns the GeneralName of a URL. Throws BadConfig when it is not ASCII. */
export function uriName(url: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(url)) {
    throw new LintelError(`Cannot put URL "${url}" into a certificate: it has characters outside ASCII`, {
      code: "BadConfig",
      fault: "user",
      hint: "Write the URL with percent-encoding",
    });
  }
  return encodeDer(URI, Buffer.from(url, "latin1"));
}

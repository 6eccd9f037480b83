/** The label below which the record is, before the name it is for (draft-ietf-acme-dns-persist). */
export const PERSISTENT_LABEL = "_validation-persist";

/** Returns the text of the TXT record that proves a name to one CA for one account, for as long as it stays. */
export function persistentRecord(issuer: string, accountUrl: string, wildcard: boolean): string {
  return `${issuer}; accounturi=${accountUrl}${wildcard ? "; policy=wildcard" : ""}`;
}

/** Returns whether `text` says at least what `wanted` does: more parameters, their order and white space do not matter. */
export function isPersistentRecord(text: string, wanted: string): boolean {
  const [issuer = "", ...parameters] = partsOf(text);
  const [wantedIssuer = "", ...needed] = partsOf(wanted);
  return issuer.toLowerCase() === wantedIssuer.toLowerCase() && needed.every((part) => parameters.includes(part));
}

function partsOf(text: string): readonly string[] {
  return text.split(";").map((part) => {
    const [name = "", ...value] = part.trim().split("=");
    return value.length === 0 ? name : `${name.trim().toLowerCase()}=${value.join("=").trim()}`;
  });
}

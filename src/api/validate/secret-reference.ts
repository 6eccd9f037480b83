import { stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { invalidValue, required } from "./field-error.ts";

/** The rule of a bundle of authorities: base64 of PEM with a certificate in it. */
export function checkCaBundle(bundle: string, path: string, shown: string): readonly FieldError[] {
  if (bundle === "" || /-----BEGIN CERTIFICATE-----/.test(Buffer.from(bundle, "base64").toString())) return [];
  return [invalidValue(path, shown, "cert bundle didn't contain any valid certificates")];
}

/** Checks a reference to an entry of a Secret. */
export function checkSecretKey(reference: unknown, path: string): readonly FieldError[] {
  return [
    ...((stringAt(reference, "name") ?? "") === "" ? [required(`${path}.name`, "secret name is required")] : []),
    ...((stringAt(reference, "key") ?? "") === "" ? [required(`${path}.key`, "secret key is required")] : []),
  ];
}

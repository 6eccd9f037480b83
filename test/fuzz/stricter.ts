/** A refusal that nginx does not share, in the edge's words, and why the edge is right to refuse. */
export interface Stricter {
  readonly says: RegExp;
  readonly because: string;
}

/** Every reason for which the edge may refuse what nginx passes on. Anything else is a bug, here or there. */
export const WHY_STRICTER: readonly Stricter[] = [
  {
    says: /^a header name has a character/,
    because: "RFC 9110 section 5.1: a name is a token. nginx drops such a line silently, others do not",
  },
  { says: /^a header value has a control character/, because: "RFC 9110 section 5.5; a bare LF is a line end to some" },
  { says: /^a header line starts with white space/, because: "RFC 9112 section 5.2: obsolete folding" },
  { says: /^a carriage return is not followed/, because: "RFC 9112 section 2.2: a bare CR is a line end to some" },
  { says: /^the Host header is not a host name/, because: "RFC 9110 section 7.2: routes are chosen by it" },
  { says: /^the request line is not ended by CR LF/, because: "RFC 9112 section 2.2 lets a recipient take a bare LF" },
  { says: /^an empty line is not ended by CR LF/, because: "the same, ahead of a request" },
  { says: /^the method is not a token/, because: "RFC 9112 section 3: one space; a second empty line is no method" },
  {
    says: /^the request target has a character/,
    because: "RFC 9112 section 3.2: no white space, fragments or controls",
  },
  { says: /^the request target is neither/, because: "nginx takes any scheme in an absolute target" },
  { says: /^the request line does not end with an HTTP version/, because: "nginx speaks HTTP/0.9" },
  { says: /^only HTTP\/1\.1 and HTTP\/1\.0/, because: "nginx takes any minor version of HTTP/1" },
  { says: /^the only expectation met/, because: "RFC 9110 section 10.1.1: 417" },
  { says: /^a chunk size is not a hexadecimal/, because: "nginx takes white space around it, and more digits" },
  { says: /^a chunk is not ended by CR LF/, because: "nginx takes a bare LF" },
  { says: /^a chunk extension is too long/, because: "nginx passes over anything up to the next LF" },
  { says: /^the path has a dot segment made with/, because: "servers disagree on what it resolves to" },
  { says: /^taken for the preface/, because: "RFC 9113 section 11.6 reserves the method PRI" },
  {
    says: /^closed after an answer with/,
    because: "RFC 9112 section 9.6: close wins over keep-alive, here any of them",
  },
  { says: /^the path has a backslash/, because: "some servers take it for a slash" },
];

/** Returns the targets of the links with relation `rel` in a Link header, absolute against `base`, in order (RFC 8288). */
export function linksOf(header: string | readonly string[] | undefined, rel: string, base: string): readonly string[] {
  const text = typeof header === "string" ? header : (header ?? []).join(", ");
  const found: string[] = [];
  for (const match of text.matchAll(/<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)/g)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i.exec(match[2] ?? "");
    const names = (relations?.[1] ?? relations?.[2] ?? "").toLowerCase().split(/\s+/);
    const target = URL.parse(match[1] ?? "", base)?.href;
    if (target !== undefined && names.includes(rel)) found.push(target);
  }
  return found;
}

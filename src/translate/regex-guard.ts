/** Longest expression that is accepted. */
const SOURCE_LENGTH_MAX = 1024;
/** Quantifiers without an upper bound that may give back what they took, each of which multiplies the time by the path's length. */
const BACKTRACKING_MAX = 1;
/** Highest upper bound of a counted quantifier, such as `{1,64}`. */
const REPETITIONS_MAX = 64;

/**
 * Returns why a user's regular expression cannot be used to match paths, as the end of a sentence; undefined when it
 * can. Accepts what means the same in PCRE and JavaScript and takes time linear in the path's length: no look-around,
 * back-references, inline flags, possessive quantifiers or POSIX classes; no unbounded repetition of something that
 * repeats or chooses itself; one wildcard that has to give back characters at most. Refuses some harmless ones too.
 */
export function regexFault(source: string): string | undefined {
  if (source.length > SOURCE_LENGTH_MAX) return `is longer than ${SOURCE_LENGTH_MAX} characters`;
  try {
    // The comparison is "i" without "u", as the matcher's.
    RegExp(source, "i");
  } catch {
    return "is not a regular expression";
  }
  const scan = new Scan(source);
  const fault = scan.alternatives(0);
  if (fault !== undefined) return fault;
  return scan.backtracking > BACKTRACKING_MAX ? "has several wildcards that can share the same characters" : undefined;
}

/** One pass over an expression that JavaScript has accepted. */
class Scan {
  backtracking = 0;
  readonly #source: string;
  #at = 0;
  /** Whether an unbounded quantifier or an alternative was seen since the enclosing group began. */
  #varies = false;

  constructor(source: string) {
    this.#source = source;
  }

  alternatives(depth: number): string | undefined {
    while (this.#at < this.#source.length) {
      const char = this.#source[this.#at] ?? "";
      if (char === ")" && depth > 0) return undefined;
      if (char === "|") {
        this.#varies = true;
        this.#at++;
        continue;
      }
      const fault = this.#term(depth);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #term(depth: number): string | undefined {
    const start = this.#at;
    const outer = this.#varies;
    const fault = this.#atom(depth);
    if (fault !== undefined) return fault;
    const atom = this.#source.slice(start, this.#at);
    const inner = atom.startsWith("(") ? this.#varies : false;
    if (!atom.startsWith("(")) this.#varies = outer;
    const quantifier = this.#quantifier();
    if (quantifier === undefined) {
      this.#varies = outer || inner;
      return undefined;
    }
    if (quantifier.max !== Number.POSITIVE_INFINITY && quantifier.max > REPETITIONS_MAX) {
      return `repeats something more than ${REPETITIONS_MAX} times`;
    }
    if (/^[+*?]/.test(this.#source.slice(this.#at)) && this.#source[this.#at] !== "?") {
      return "has a possessive quantifier";
    }
    if (inner && quantifier.max > 1) return "repeats a group that repeats or chooses itself";
    if (this.#source[this.#at] === "?") this.#at++;
    const unbounded = quantifier.max === Number.POSITIVE_INFINITY;
    if (unbounded && this.#givesBack(atom)) this.backtracking++;
    this.#varies = outer || inner || unbounded || quantifier.max > quantifier.min;
    return undefined;
  }

  /** Whether what follows could also begin inside what the quantified atom takes, so that other splits get tried. */
  #givesBack(atom: string): boolean {
    const rest = this.#source.slice(this.#at).replace(/^\)+/, "");
    if (rest === "") return false;
    const literal = /^(?:\\([^A-Za-z0-9])|([^\\[(.^$|?*+{)]))(?![?*{])/.exec(rest);
    const next = literal?.[1] ?? literal?.[2];
    return next === undefined || RegExp(`^(?:${atom})$`, "i").test(next);
  }

  #atom(depth: number): string | undefined {
    const rest = this.#source.slice(this.#at);
    if (rest.startsWith("(")) return this.#group(rest, depth);
    if (rest.startsWith("[")) return this.#class(rest);
    if (rest.startsWith("\\")) {
      if (/^\\(?:[1-9]|k)/.test(rest)) return "has a back-reference";
      if (!/^\\(?:[dDwWsSbB]|[^A-Za-z0-9])/.test(rest)) return `has "${rest.slice(0, 2)}", which is not supported`;
      this.#at += 2;
      return undefined;
    }
    this.#at++;
    return undefined;
  }

  #group(rest: string, depth: number): string | undefined {
    if (depth > 20) return "has groups nested more than 20 deep";
    if (rest.startsWith("(?:")) this.#at += 3;
    else if (rest.startsWith("(?") || rest.startsWith("(*")) return "has a group that is neither (…) nor (?:…)";
    else this.#at += 1;
    this.#varies = false;
    const fault = this.alternatives(depth + 1);
    this.#at++;
    return fault;
  }

  #class(rest: string): string | undefined {
    const whole = /^\[\^?(?:\\.|[^\]\\])*\]/.exec(rest)?.[0] ?? "";
    if (whole === "" || /^\[\^?\]/.test(rest)) return "has a character class that starts with a bracket";
    if (/\[[:.=]/.test(whole.slice(1))) return "has a POSIX character class";
    if (/\\(?![dDwWsS]|[^A-Za-z0-9])/.test(whole)) return "has an escape in a character class that is not supported";
    this.#at += whole.length;
    return undefined;
  }

  #quantifier(): { readonly min: number; readonly max: number } | undefined {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.#source.slice(this.#at));
    if (found === null) return undefined;
    this.#at += found[0].length;
    const [text, least = "0", comma, most = ""] = found;
    if (text === "*") return { min: 0, max: Number.POSITIVE_INFINITY };
    if (text === "+") return { min: 1, max: Number.POSITIVE_INFINITY };
    if (text === "?") return { min: 0, max: 1 };
    const min = Number(least);
    return { min, max: comma === "" ? min : most === "" ? Number.POSITIVE_INFINITY : Number(most) };
  }
}

/**
 * The process Lintel runs in, as `main.ts` hands it out: everything a role or a command may ask of it. Tests pass a fake.
 */
export interface Host {
  readonly pid: number;
  /** Arguments after the program's name. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** The numeric user, or undefined where the system has none. */
  readonly userId: number | undefined;
  /** The real paths to start this program again: runtime, its flags, and the main module. */
  readonly program: Program;
  readonly output: Output;
  readonly errors: Output;
  /** Calls back on each of the signal, whose default action no longer happens. */
  onSignal(signal: HostSignal, callback: () => void): void;
  /** The supervisor that started us, or undefined when a person or a service manager did. */
  readonly parent: ParentChannel | undefined;
  /** Ends the process at once. */
  exit(code: number): never;
  /** Resident bytes of this process. */
  memoryBytes(): number;
  /** User and system CPU milliseconds of this process so far. */
  cpuMs(): number;
}

/** The signals that somebody may want to hear. */
export type HostSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** How this program was started. */
export interface Program {
  readonly runtime: string;
  readonly flags: readonly string[];
  readonly main: string;
}

/** A stream of text for people, or for the program they pipe it into. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
}

/** The channel to the process that started us. */
export interface ParentChannel {
  /** Resolves when the message has left this process, or cannot any more. */
  send(message: unknown): Promise<void>;
  onMessage(callback: (message: unknown) => void): void;
  /** The parent closed the channel, or is gone in whatever way. */
  onDisconnect(callback: () => void): void;
}

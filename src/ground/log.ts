import { pino } from "pino";

/** Log lines are a constant sentence and fields; never a built string, never a secret. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger whose every line also carries `fields`. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** The least severe lines that are written. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Opens a logger that writes one JSON object a line to `fd` (RFC 3339 times in UTC), synchronously so that a crash loses none. */
export function openLog(options: { readonly level: LogLevel; readonly fd: number }): Logger {
  const destination = pino.destination({ fd: options.fd, sync: true });
  return wrap(pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination));
}

function wrap(logger: pino.Logger): Logger {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

import { type Http2ErrorCode, FLOW_CONTROL_ERROR, NO_ERROR, PROTOCOL_ERROR } from "./error-codes.ts";
import {
  FRAME_BYTES_MAX,
  INITIAL_WINDOW_BYTES,
  readUint32,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  WINDOW_BYTES_MAX,
} from "./frame.ts";

const MAX_FRAME_SIZE_LIMIT = 16_777_215;

/** What the peer said about itself (RFC 9113 section 6.5.2); starts with the defaults. The header table is not used at all. */
export class PeerSettings {
  windowBytes: number = INITIAL_WINDOW_BYTES;
  /** 100 until it says otherwise, as the RFC advises. */
  concurrentStreamsMax = 100;
  frameBytesMax: number = FRAME_BYTES_MAX;
  /** RFC 8441 section 3. */
  extendedConnect = false;

  /** Takes the payload of a SETTINGS frame, a multiple of six bytes; returns what is wrong with it. */
  apply(bytes: Uint8Array, start: number, end: number): Http2ErrorCode {
    for (let at = start; at < end; at += 6) {
      const name = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const value = readUint32(bytes, at + 2);
      switch (name) {
        case SETTINGS_ENABLE_PUSH:
          if (value > 1) return PROTOCOL_ERROR;
          break;
        case SETTINGS_MAX_CONCURRENT_STREAMS:
          this.concurrentStreamsMax = value;
          break;
        case SETTINGS_INITIAL_WINDOW_SIZE:
          if (value > WINDOW_BYTES_MAX) return FLOW_CONTROL_ERROR;
          this.windowBytes = value;
          break;
        case SETTINGS_MAX_FRAME_SIZE:
          if (value < FRAME_BYTES_MAX || value > MAX_FRAME_SIZE_LIMIT) return PROTOCOL_ERROR;
          this.frameBytesMax = value;
          break;
        case SETTINGS_ENABLE_CONNECT_PROTOCOL:
          if (value > 1) return PROTOCOL_ERROR;
          this.extendedConnect = value === 1;
          break;
        default:
          // RFC 9113 section 6.5.2: unknown ones are ignored.
          break;
      }
    }
    return NO_ERROR;
  }
}

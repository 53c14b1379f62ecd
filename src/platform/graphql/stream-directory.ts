/** Streams of one session, reserved or open. */
export const MOST_STREAMS = 20;

/** Where a stream is: only reserved so far, or open at an instance. */
export type StreamState = { kind: 'reserved' } | { kind: 'open'; instance: string };

/**
 * What all instances know of the streams of the single connection mode. A stream is found by its token and its session
 * together, so that a token is of use to nobody else.
 */
export interface StreamDirectory {
  /** False where the session has too many. @param lifetime until it has to be open, in milliseconds */
  reserve(sessionId: string, token: string, lifetime: number): Promise<boolean>;
  /** Takes a reserved stream for an instance; false where there is none, or somebody else has taken it. */
  claim(sessionId: string, token: string, instance: string, expiresAt: Date): Promise<boolean>;
  find(sessionId: string, token: string): Promise<StreamState | null>;
  release(sessionId: string, token: string): Promise<void>;
}

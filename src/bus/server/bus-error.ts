import {
  ClosedConnectionError,
  DrainingConnectionError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from '@nats-io/nats-core';
import { systemErrorText } from '../../core/system-error.ts';

/**
 * Describes an error of a connection on one line. The library wraps some in a RequestError. Complete sentences of a server
 * or of TLS are kept.
 */
export function busErrorText(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof TimeoutError) return 'no answer in time';
  if (cause instanceof NoRespondersError) return 'the server does not serve it';
  if (cause instanceof PermissionViolationError) return 'these credentials do not permit it';
  if (cause instanceof ClosedConnectionError || cause instanceof DrainingConnectionError)
    return 'the connection is closed';
  const text = cause instanceof Error ? systemErrorText(cause) || cause.name : String(cause);
  return text.replaceAll(/\s+/g, ' ');
}

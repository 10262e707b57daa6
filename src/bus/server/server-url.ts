import { fault, NetloomError } from '../../core/fault.ts';

/** Addresses of NATS servers, with the credentials of the URL if it has any. */
export interface ServerUrl {
  /** without user, password and token; several joined by commas */
  url: string;
  user?: string;
  password?: string;
  token?: string;
}

/**
 * Parses `nats://user:password@host:port` or `nats://token@host:port`, several joined by commas. Throws payload.invalid,
 * without the text: an invalid text may have a password anywhere.
 */
export function parseServerUrl(text: string): ServerUrl {
  const parts = text.split(',').map((part) => part.trim());
  // a comma in a password would split the text
  const isMixed = new Set(parts.map((part) => part.includes('://'))).size > 1;
  if (isMixed && text.includes('@')) throw invalid(expected);
  const parsed = parts.map(parseOne);
  const identities = new Set(parsed.filter(isIdentity).map(identity));
  if (identities.size > 1) throw invalid('its servers have different users; give one user for all of them');
  return { ...parsed.find(isIdentity), url: parsed.map(({ url }) => url).join(',') };
}

function parseOne(text: string): ServerUrl {
  const full = text.includes('://') ? text : `nats://${text}`;
  // a tab or a new line would be dropped silently
  const url = !/[\t\r\n]/.test(full) && URL.canParse(full) ? new URL(full) : null;
  if (url && !schemes.has(url.protocol)) throw invalid('its scheme must be nats:// or tls://');
  const isPlain = url && url.host !== '' && ['', '/'].includes(url.pathname) && url.search === '' && url.hash === '';
  if (!isPlain) throw invalid(expected);
  if (!text.includes('@')) return { url: text };
  const [user, password] = [decoded(url.username), decoded(url.password)];
  const place = `${url.protocol}//${url.host}`;
  if (password !== '') return { url: place, user, password };
  return user === '' ? { url: place } : { url: place, token: user };
}

/** The schemes of which the client library has the transport. */
const schemes: ReadonlySet<string> = new Set(['nats:', 'tls:']);

const expected =
  'expected nats://[user:password@]host[:port], several joined by commas, with / ? # @ , : and % of a user or password as %2F and so on';

const isIdentity = ({ user, token }: ServerUrl): boolean => user !== undefined || token !== undefined;
const identity = ({ user, password, token }: ServerUrl): string => JSON.stringify([user, password, token]);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(expected);
  }
}

const invalid = (why: string) => new NetloomError(fault('payload.invalid', `invalid NATS URL: ${why}`));

/** Checks whether the URL has credentials. Throws payload.invalid. */
export const hasIdentity = (text: string): boolean => isIdentity(parseServerUrl(text));

/** A NATS URL as it may be printed: without user, password and token. */
export function shownUrl(text: string): string {
  try {
    return parseServerUrl(text).url;
  } catch {
    return '***';
  }
}

/** A password in a URL. The template in messages to users, `[user:password@]host[:port]`, has none. */
const passwordInUrl = /\b([a-z][a-z0-9+.-]*:\/\/)(?!\[user:password@\]host\[:port\][\s,])[^\s'"<>]*@/gi;

/** Hides user, password and token of every URL in a foreign text. */
export function withoutPasswords(text: string): string {
  return text.replace(passwordInUrl, '$1***@');
}

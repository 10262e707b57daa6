/**
 * All subjects of netloom; no other file builds one. Tokens run wide to narrow and are checked, so that no user-chosen name can
 * add a level or a wildcard. The client uses this file too: it imports nothing at run time.
 */

export type Noun = 'container' | 'network' | 'node';

/** Text that a subject can contain unencoded: the name of a node, for example. */
export const subjectToken = /^[A-Za-z0-9_-]{1,64}$/;

export const eventStream = 'NETLOOM_EVENTS';

function token(text: string): string {
  if (!subjectToken.test(text))
    throw new RangeError(`${JSON.stringify(text)} cannot stand in a subject: expected 1 to 64 of A-Z a-z 0-9 _ -`);
  return text;
}

/** Returns a checked token, or the wildcard `*`. */
const tokenOrAny = (text: string | undefined): string => (text === undefined ? '*' : token(text));

/** Same as core's servedNamePattern (a test compares them); this file imports nothing at run time. */
export const subjectName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,249}$/;

/** Returns the ID of a container, or the name of a network or node, as one token: a dot would split it. No name contains a `%`. */
export function nameToken(name: string): string {
  if (!subjectName.test(name))
    throw new RangeError(`${JSON.stringify(name)} cannot stand in a subject: expected 1 to 250 of A-Z a-z 0-9 _ . -`);
  return name.replaceAll('.', '%2E');
}

/** Returns the name that a token stands for. */
export const nameOfToken = (token: string): string => token.replaceAll('%2E', '.');

const nameOrAny = (name: string | undefined): string => (name === undefined ? '*' : nameToken(name));

/** netloom.v1.<node>.<noun>.<verb> */
export function commandSubject(node: string, noun: string, verb: string): string {
  return `netloom.v1.${token(node)}.${token(noun)}.${token(verb)}`;
}

/** netloom.v1.<node>.evt.<noun>.<id>.<fact> */
export function eventSubject(node: string, noun: Noun, id: string, fact: string): string {
  return `netloom.v1.${token(node)}.evt.${noun}.${nameToken(id)}.${token(fact)}`;
}

/** netloom.v1.<node>.trace.<noun>.<id> */
export function traceSubject(node: string, noun: Noun, id: string): string {
  return `netloom.v1.${token(node)}.trace.${noun}.${nameToken(id)}`;
}

export interface Follow {
  node?: string;
  noun?: Noun;
  /** unencoded, dots included */
  id?: string;
}

/** netloom.v1.<node|*>.evt.<noun|*>.<id|*>.* */
export function eventsOf({ node, noun, id }: Follow = {}): string {
  return `netloom.v1.${tokenOrAny(node)}.evt.${tokenOrAny(noun)}.${nameOrAny(id)}.*`;
}

/** netloom.v1.<node|*>.trace.<noun|*>.<id|*> */
export function tracesOf({ node, noun, id }: Follow = {}): string {
  return `netloom.v1.${tokenOrAny(node)}.trace.${tokenOrAny(noun)}.${nameOrAny(id)}`;
}

/** netloom.v1.<node>.evt.> */
export function allEventsOf(node: string): string {
  return `netloom.v1.${token(node)}.evt.>`;
}

/** netloom.v1.<node>.trace.> */
export function allTracesOf(node: string): string {
  return `netloom.v1.${token(node)}.trace.>`;
}

/** netloom.v1.*.evt.> : what the event stream keeps, for every node that shares a server */
export const eventStreamSubjects = 'netloom.v1.*.evt.>';

/** _INBOX.<user> : replies to one role, which the other roles must not receive */
export function inboxPrefix(user: string): string {
  return `_INBOX.${token(user)}`;
}

import { expect, it } from 'vitest';
import { addedHost, searchDomain } from '../../src/cli/name-options.ts';

it.each([
  ['db:192.0.2.9', { names: ['db'], address: '192.0.2.9' }],
  ['db;cache:192.0.2.9', { names: ['db', 'cache'], address: '192.0.2.9' }],
  ['db:fd00::9', { names: ['db'], address: 'fd00::9' }],
  ['db:[fd00::9]', { names: ['db'], address: 'fd00::9' }],
  ['db:host-gateway', { names: ['db'], address: null }],
])('N11 --add-host %s is spelt as with podman', (text, entry) => expect(addedHost(text)).toEqual(entry));

it.each(['db', ':192.0.2.9', 'db:', 'db:here', 'a b:192.0.2.9', 'a#b:192.0.2.9', 'a;:192.0.2.9'])(
  'N11 --add-host %s is refused',
  (text) => expect(() => addedHost(text)).toThrow(/expected <name>:<address>$/),
);

it('N11 --dns-search accepts domains, and . for none', () => {
  for (const text of ['.', 'example.org', 'example.org.', '_tcp.x']) expect(searchDomain(text)).toBe(text);
  for (const text of ['', '..', 'a b', 'a\nnameserver 192.0.2.1']) expect(() => searchDomain(text)).toThrow();
});

import { isIP } from 'node:net';
import type { HostEntry } from '../core/name-files.ts';
import { badInput, filled } from './options.ts';

/** podman's name for the address at which a container reaches its host. */
const hostGateway = 'host-gateway';

/** podman's spelling: `db:10.0.0.5`, `db;cache:10.0.0.5`, `db:fd00::5`, `db:host-gateway`. */
export function addedHost(text: string): HostEntry {
  const refuse = (reason: string) => badInput(`--add-host ${filled(text)}: ${reason}; expected <name>:<address>`);
  const at = text.indexOf(':');
  const names = (at < 0 ? text : text.slice(0, at)).split(';');
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (names.includes('')) throw refuse('the name is missing');
  const invalid = names.find((name) => /[\s#]/.test(name));
  if (invalid !== undefined) throw refuse(`${JSON.stringify(invalid)} is not a valid host name`);
  if (at < 0 || address === '') throw refuse('the address is missing');
  if (address === hostGateway) return { names, address: null };
  if (isIP(address) === 0) throw refuse(`${JSON.stringify(address)} is not an IP address`);
  return { names, address };
}

/** `.`: no search domain. */
export function searchDomain(text: string): string {
  if (text !== '.' && !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(text))
    throw badInput(`--dns-search ${JSON.stringify(text)}: expected a domain such as example.org, or . for none`);
  return text;
}

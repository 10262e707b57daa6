import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import type { NetloomClient } from '../client.ts';
import type { ContainerRequest } from '../core/container/request.ts';
import { parseJson } from '../core/json-text.ts';
import { mostStartWithinMs } from '../core/milliseconds.ts';
import { mostPid } from '../core/process-id.ts';
import { systemErrorText } from '../core/system-error.ts';
import { mostBytes } from '../files/ordinary-file.ts';
import {
  addContainerOptions,
  type ContainerOptions,
  cliOwner,
  containerRequest,
  hasOnlyId,
  idOption,
  onDefaultNetwork,
} from './container-options.ts';
import { type EachOptions, forEach } from './each.ts';
import {
  badInput,
  collect,
  type GlobalOptions,
  mustBeOne,
  nameParser,
  numberParser,
  refuseForSeveral,
} from './options.ts';
import { durationParser } from './since.ts';
import type { Terminal } from './terminal.ts';

/** Options of container create and container setup: the options of run, or the same as JSON, or both. */
export interface WishOptions extends ContainerOptions {
  file?: string;
  pid?: number;
  removeOnExit?: boolean;
  /** milliseconds */
  startWithin?: number;
}

export function addWishOptions(command: Command): Command {
  command
    .argument('[id...]', 'ids of containers; a single one is the same as --id', collect(nameParser('id', 'id.invalid')))
    .option('--file <path>', 'the request as JSON, - for stdin; other options override it')
    .option('--pid <pid>', 'use the network namespace of this process', numberParser('--pid', 1, mostPid))
    .option('--remove-on-exit', 'remove the container when its process ends')
    .option(
      '--start-within <duration>',
      'remove the container unless its process starts within this time, such as 30s',
      durationParser('--start-within', mostStartWithinMs),
    )
    .addOption(idOption());
  return addContainerOptions(command);
}

/**
 * Reads one wish for each ID; without IDs, the wish of --id, --name or --file. `mayBeKept`: an ID alone means the
 * stored wish. Throws payload.invalid.
 */
export async function readWishes(ids: string[], options: WishOptions, mayBeKept = true): Promise<ContainerRequest[]> {
  if (ids.length === 0 && options.id === undefined && options.file === undefined && options.name === undefined)
    throw badInput('which container? expected an id or --file');
  const [first, ...others] = [...new Set(ids)];
  if (others.length > 0) mustSuitSeveral(options);
  const wish = await readWish(first, options, mayBeKept);
  return [wish, ...others.map((other) => ({ ...wish, id: other }))];
}

/** Throws payload.invalid if an option suits only one container of a host. */
function mustSuitSeveral({ publish = [], network = [], ...options }: WishOptions): void {
  const { id, name, file, pid, ip, ip6, macAddress, hostInterfaceName } = options;
  mustBeOne({ id, name, file, pid, ip, ip6, macAddress, hostInterfaceName });
  const ports = publish.flatMap(({ hostPort }) => (hostPort ? [`--publish with host port ${hostPort}`] : []));
  const attachments = network.flatMap((argument) => ('mode' in argument ? [] : argument.networks));
  const settings = attachments.flatMap((attachment) => [
    ...(attachment.staticIps ? ['--network with ip='] : []),
    ...(attachment.staticMac ? ['--network with mac='] : []),
    ...(attachment.hostInterfaceName ? ['--network with host_interface_name='] : []),
  ]);
  refuseForSeveral([...new Set([...ports, ...settings])]);
}

async function readWish(id: string | undefined, options: WishOptions, mayBeKept: boolean): Promise<ContainerRequest> {
  const source = options.file === '-' ? 'stdin' : options.file;
  const file = options.file === undefined ? null : await readRequest(options.file);
  const asked = { ...options, id: id ?? options.id };
  const isKept = mayBeKept && hasOnlyId(asked) && options.pid === undefined && !options.removeOnExit;
  const said = containerRequest(file || isKept ? asked : onDefaultNetwork(asked));
  const isNamed = asked.id !== undefined || options.name !== undefined;
  if (file && !isNamed && (file.id === undefined || file.id === null))
    throw badInput(`--file: ${source}: id is missing`, 'id.invalid');
  const isOfFile = asked.id === undefined && file?.id;
  const wish: ContainerRequest = {
    ...file,
    ...said,
    id: isOfFile ? file.id : said.id,
    ...(options.pid !== undefined && { pid: options.pid }),
    ...(options.removeOnExit && { removeOnExit: true }),
    ...(options.startWithin !== undefined && { startWithinMs: options.startWithin }),
    owner: file?.owner ?? cliOwner,
  };
  if (file) await refuseUnknownFields(wish, mayBeKept, `--file: ${source}`);
  return wish;
}

/**
 * Refuses unknown fields, so that a typo is not ignored. The schemas are loaded here, so that `--help` does not wait
 * for them.
 */
async function refuseUnknownFields(wish: ContainerRequest, isSetup: boolean, said: string): Promise<void> {
  const [{ containerRequestSchema, setupSchema }, { unknownFields }] = await Promise.all([
    import('../contract/container-requests.ts'),
    import('./unknown-fields.ts'),
  ]);
  const unknown = unknownFields(isSetup ? setupSchema : containerRequestSchema, wish);
  if (unknown.length === 0) return;
  throw badInput(`${said}: unknown ${unknown.length === 1 ? 'field' : 'fields'} ${unknown.join(', ')}`);
}

/** Carries out a command for each wish, over one connection. */
export function forEachWish<Reply>(
  terminal: Terminal,
  options: GlobalOptions,
  wishes: ContainerRequest[],
  ask: (client: NetloomClient, wish: ContainerRequest) => Promise<Reply>,
  more: EachOptions<Reply>,
): Promise<void> {
  const byId = new Map(wishes.map((wish) => [wish.id, wish]));
  return forEach(
    terminal,
    options,
    [...byId.keys()],
    (client, id) => ask(client, byId.get(id) as ContainerRequest),
    more,
  );
}

/** Reads a request, and checks only its syntax: the daemon checks its content. */
async function readRequest(path: string): Promise<ContainerRequest> {
  const source = path === '-' ? 'stdin' : path;
  const value = parsed(source, await readSource(path));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ContainerRequest;
  throw badInput(`--file: ${source}: expected a JSON object`);
}

function parsed(source: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw badInput(`--file: ${source} ${(error as Error).message}`, 'payload.malformed');
  }
}

/** Reads up to the daemon's limit. The path may be a pipe, which shells make of `<(…)`. */
async function readSource(path: string): Promise<string> {
  const source = path === '-' ? process.stdin : createReadStream(path);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes > mostBytes) break;
    }
  } catch (error) {
    // errors of opening have a path, errors of reading do not
    throw badInput(
      `--file: ${systemErrorText(Object.assign(error as Error, { path: path === '-' ? 'stdin' : path }))}`,
    );
  }
  if (bytes > mostBytes)
    throw badInput(`--file: ${path} is larger than ${mostBytes} bytes, which no request may be`, 'payload.too-large');
  return Buffer.concat(chunks).toString('utf8');
}

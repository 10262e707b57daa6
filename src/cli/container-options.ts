import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { subjectToken } from '../bus/subjects.ts';
import type { ContainerRequest } from '../core/container.ts';
import type { PortMapping } from '../core/port.ts';
import { asIs, badInput, collect, tokenParser } from './options.ts';
import { parsePortMapping, portSpelling } from './port-mapping.ts';

type Attachment = NonNullable<ContainerRequest['networks']>[number];

/** What describes a container's network; the same for run, create, setup and plan. */
export interface ContainerOptions {
  id?: string;
  name?: string;
  mode?: string;
  network?: Attachment[];
  ip?: string[];
  mac?: string;
  interface?: string;
  alias?: string[];
  publish?: PortMapping[];
}

const heading = 'Network options:';

export function addContainerOptions(command: Command): Command {
  const options = [
    new Option('--network <name>', `a network to join, several times for several; also ${attachmentSpelling}`)
      .argParser(collect(parseAttachment))
      .helpGroup(heading),
    new Option('-p, --publish <port>', `publish a port: ${portSpelling}, ranges as 8000-8010:8000-8010`)
      .argParser(collect(parsePortMapping))
      .helpGroup(heading),
    new Option('--name <name>', 'for people; default: the id').helpGroup(heading),
    new Option('--mode <mode>', 'bridge (default), none, ns:<path>, container:<id>').helpGroup(heading),
    new Option('--ip <address>', 'address to take on the network; once per subnet')
      .argParser(collect(asIs))
      .helpGroup(heading),
    new Option('--mac <address>', 'MAC address on the network').helpGroup(heading),
    new Option('--interface <name>', "the interface's name in the container; default eth0").helpGroup(heading),
    new Option('--alias <name>', 'a further name on the network').argParser(collect(asIs)).helpGroup(heading),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

export function idOption(): Option {
  return new Option('--id <id>', 'default: the name, where it can be an id, else a random one')
    .argParser(tokenParser('--id', 'id.invalid'))
    .helpGroup(heading);
}

/** Only what was said, so that a set-up with nothing but the id means the wish that is kept. */
export function containerRequest(options: ContainerOptions): ContainerRequest {
  const { name, mode, publish } = options;
  const networks = attachments(options);
  return {
    id: options.id ?? idFor(name),
    ...(name !== undefined && { name }),
    ...(mode !== undefined && { mode }),
    ...(networks && { networks }),
    ...(publish && { ports: publish }),
  };
}

/** A name that can be an id is the id: `netloom run --name web …`, then `netloom inspect web`. */
export function idFor(name: string | undefined): string {
  return name !== undefined && subjectToken.test(name) ? name : randomBytes(6).toString('hex');
}

const attachmentSpelling = '<name>:ip=…,mac=…,interface_name=…,alias=…';

/** podman's spelling: `web`, `web:ip=10.89.0.5,mac=02:00:00:00:00:01`. */
export function parseAttachment(text: string): Attachment {
  const [, network = '', rest] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const attachment: Attachment = { network: tokenParser('--network', 'name.invalid')(network) };
  for (const setting of rest?.split(',') ?? []) {
    const [key, value] = splitSetting(setting, text);
    if (key === 'ip') attachment.staticIps = [...(attachment.staticIps ?? []), value];
    else if (key === 'alias') attachment.aliases = [...(attachment.aliases ?? []), value];
    else if (key === 'mac') attachment.staticMac = value;
    else attachment.interfaceName = value;
  }
  return attachment;
}

const settings = ['ip', 'mac', 'interface_name', 'alias'];

function splitSetting(setting: string, text: string): [key: string, value: string] {
  const at = setting.indexOf('=');
  const key = setting.slice(0, Math.max(0, at));
  if (!settings.includes(key) || at === setting.length - 1)
    throw badInput(`--network ${text}: ${JSON.stringify(setting)} is not understood; expected ${attachmentSpelling}`);
  return [key, setting.slice(at + 1)];
}

/** --ip, --mac, --interface and --alias speak of the one network. */
function attachments({ network: networks, ip, mac, interface: link, alias }: ContainerOptions): Attachment[] | null {
  const said = { ip, mac, interface: link, alias };
  const names = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (names.length === 0) return networks ?? null;
  const [first, ...more] = networks ?? [];
  if (!first) throw badInput(`${names.join(', ')}: needs a --network`);
  if (more.length > 0)
    throw badInput(`${names.join(', ')}: say it of one of the networks, as --network ${attachmentSpelling}`);
  return [
    {
      ...first,
      ...(ip && { staticIps: [...(first.staticIps ?? []), ...ip] }),
      ...(mac && { staticMac: mac }),
      ...(link && { interfaceName: link }),
      ...(alias && { aliases: [...(first.aliases ?? []), ...alias] }),
    },
  ];
}

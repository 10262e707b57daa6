import type { Complaint } from '../src/cli/failure.ts';
import { type FaultCode, faultStatus } from '../src/core/fault.ts';
import { table } from './table.ts';

/** One line of meaning per code; the compiler asks for a line when a code is added. */
const meanings: Record<FaultCode, string> = {
  'payload.malformed': 'the payload is not valid UTF-8 or not valid JSON',
  'payload.too-large': 'the request has more than 1 MiB, or the answer more than the NATS server carries',
  'payload.invalid': 'a field has the wrong shape, or fields contradict each other; the message names the field',
  'id.invalid':
    'a container id is missing or is not 1 to 250 characters of `[A-Za-z0-9_.-]` (no dot first), or a reference cannot be one',
  'name.invalid':
    'the name of a container or a network, or an alias, is missing or invalid; or the name of a new network is reserved for a mode',
  'mode.unknown': 'unknown network mode',
  'mode.unsupported': 'this version does not support that mode, driver or option',
  'mode.conflict':
    "the mode does not go with the networks or ports that were asked for, the namespace is the host's own, or the ports are on a network without firewall rules",
  'address.invalid': 'invalid IP or MAC address, or an address on which no port can be published',
  'address.outside-subnet': 'an address is in no subnet of the network',
  'subnet.invalid': 'a subnet is invalid, or overlaps another one of the same network',
  'route.unreachable':
    'the gateway of a route is on no network of the container; the message names network, destination and gateway',
  'port.invalid': 'invalid port, port range or protocol',
  'port.overlap': 'two port mappings of one request map the same host port to different container ports',
  'netns.cycle': 'containers would share a namespace in a circle',
  'container.unknown': 'there is no such container',
  'network.unknown': 'there is no such network',
  'link.unknown': 'this host has no such network interface, or no default route whose interface could be used',
  'worker.unknown': 'there is no such kernel worker',
  'netns.gone': 'the network namespace no longer exists',
  'process.gone': 'the process no longer exists',
  'address.taken': 'another container has the address',
  'address.exhausted': 'the network has no free address left',
  'subnet.taken': 'the subnet overlaps another network, or a route of this host',
  'subnet.exhausted': 'there is no free subnet left to choose',
  'port.taken':
    "the container itself or another one publishes the host port (the message names the mapping or the other container), or a process of this host has it (`ss -lnp 'sport = :<port>'` shows which)",
  'port.unavailable': 'the host port cannot be bound: this host has no such address or protocol, or forbids it',
  'link.exists': "a network interface of that name exists and is not netloom's, or differs",
  'mtu.too-large': 'the MTU is larger than that of the parent interface; the message states both',
  'mtu.too-small':
    'the MTU of the parent interface is too small for the IPv6 subnets of the network; the message states both',
  'mac.taken': 'another interface on the same parent has that MAC address, or has the parent for itself (passthru)',
  'bridge.full': 'a bridge takes at most 1,023 ports, and this one has that many',
  'container.exists': 'the container already exists, with another wish',
  'container.running':
    'the process of the container runs, or that of a container that shares its namespace; the message has its pid or that container, and `force` removes the network anyway',
  'container.connected': 'the container is already on that network',
  'container.not-connected': 'the container is not on that network',
  'port.unknown': 'the container does not publish that port',
  'container.state': 'the container is not in a state in which this can be done',
  'container.ambiguous': 'several containers have the name, or an id with that beginning; the message lists them',
  'network.ambiguous': 'the beginning of an id fits several networks; the message lists them',
  'network.damaged': "the file of the network's definition, or its name, is invalid; the file is left as it is",
  'network.exists': 'the network already exists',
  'network.in-use': 'containers use the network',
  'network.busy': 'the network is being changed; try again',
  'kernel.refused': 'the kernel refused a step; `errno`, `step` and `detail` give the step and the reason',
  'worker.lost': 'a kernel worker ended during its work; it is started again and continues from the journal',
  'internal.unexpected': 'a defect of netloom',
  'journal.version': 'a version of netloom before the first release wrote the journal; it cannot be read',
  'journal.newer':
    'a later version of netloom wrote the journal; the message names both versions. Nothing is changed: start the later version again',
  'journal.damaged':
    'the journal does not contain what was written; the daemon keeps it beside a new one, which it rebuilds from the kernel when it starts',
  'journal.unexamined':
    'the process that examines the journal was ended by another program, twice; start the daemon again',
  'upgrade.interrupted':
    'netloom was upgraded while the command was under way; check what is there, and send it again under another ID',
  'node.recovering': 'the daemon has just started and compares the kernel with its journal; try again',
  'node.draining': 'the daemon is shutting down',
  'node.running':
    'another daemon uses the same run directory or state directory, or has the same node name on the same NATS server',
  'node.unprivileged': 'the daemon needs root: it cannot write its run directory, or privileges are missing',
  'bus.unreachable': 'no NATS server answers, or no daemon of that node does (raised by the client)',
  'bus.unauthorized':
    'the NATS server refuses the credentials, or their role may not send this command (raised by the client)',
  'directory.unsafe':
    'the run or state directory of the daemon, or one within or above it, belongs to another user or can be written by others',
  'directory.lost':
    'the run directory was removed or replaced while the daemon used it; the daemon ends, and networks stay as they are',
  'bus.no-jetstream': 'the NATS server has no JetStream, which stores the events, or not for this account',
  'bus.open': 'the NATS server accepts clients without credentials, and --allow-open-server is not given',
  'storage.full': 'the disk has no room for what the command must store; the message names the directory',
  'inotify.exhausted':
    'the daemon cannot watch its files, because programs of this host use all inotify instances or watches; the message names the settings to raise',
  'command.timeout': 'no answer came in time; the command may still be carried out (raised by the client)',
  'command.mismatch': 'the `Nats-Msg-Id` was used for another command, or for the same one with another request',
  'dhcp.timeout': 'no DHCP server assigned an address within 5 s; the message states what was received instead',
  'dhcp.refused': 'the DHCP server revoked the lease; the container has no address there until a server assigns one',
  'dhcp.expired':
    'the DHCP lease ended and no server renewed it; the container has no address there until a server assigns one',
};

/** What only the command line prints: how it ends, and the meaning. */
const complaints: Record<Complaint['code'], [exitCode: string, meaning: string]> = {
  usage: ['2 (`netloom network`: 125)', 'unknown command or option, or a missing or superfluous argument'],
  'command.missing': ['127', '`netloom run`: the command was not found'],
  'command.unusable': ['126', '`netloom run`: the command exists and cannot be executed'],
  'command.not-started': [
    '125',
    '`netloom run`: netloom could not start the command in its network; the message names the step that failed',
  ],
  'podman.refused': [
    '1',
    '`netloom podman`: podman cannot be switched over, or cannot be asked; the message has the reason',
  ],
};

/** What docs/errors.md has of them. */
export const errorTables = (): string =>
  [
    table(
      ['code', 'status', 'meaning'],
      Object.entries(faultStatus).map(([code, status]) => [`\`${code}\``, `${status}`, meanings[code as FaultCode]]),
    ),
    '## Codes of the command line',
    'The command line prints the faults above as `netloom: <code>: <message>`, and its own codes. They have no status, because no daemon answers with them; with `--json` the line on stderr is `{code, message}`.',
    table(
      ['code', 'exit code', 'meaning'],
      Object.entries(complaints).map(([code, cells]) => [`\`${code}\``, ...cells]),
    ),
  ].join('\n\n');

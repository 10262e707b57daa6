import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Adds a command's arguments, options and action to its place in the list. */
export type AddCommand = (parent: Command, terminal: Terminal) => void;

/** A command as the help of its parent shows it; its file is loaded only when the command is asked for. */
export interface ListedCommand {
  name: string;
  alias?: string;
  summary: string;
  load(): Promise<AddCommand>;
}

/** Commands that share their first word. */
export interface ListedGroup {
  name: string;
  summary: string;
  commands: readonly ListedCommand[];
}

/** Under the headings of `netloom --help`. */
export const commandList: Readonly<Record<string, readonly (ListedCommand | ListedGroup)[]>> = {
  'Containers:': [
    {
      name: 'run',
      summary: 'run a command in a container network of its own; its end tears the network down',
      load: async () => (await import('./commands/run.ts')).runCommand,
    },
    { name: 'ps', summary: 'list containers', load: async () => (await import('./commands/ps.ts')).psCommand },
    {
      name: 'inspect',
      summary: 'show all of containers',
      load: async () => (await import('./commands/inspect.ts')).inspectCommand,
    },
    {
      name: 'stats',
      summary: "show counters of containers' interfaces, as the containers see them, and of their published ports",
      load: async () => (await import('./commands/stats.ts')).statsCommand,
    },
    {
      name: 'container',
      summary: 'the life of a container network, step by step',
      commands: [
        {
          name: 'create',
          summary: 'keep a wish for a container; nothing is built yet',
          load: async () => (await import('./commands/container-create.ts')).containerCreateCommand,
        },
        {
          name: 'setup',
          summary: "build containers' networks",
          load: async () => (await import('./commands/container-setup.ts')).containerSetupCommand,
        },
        {
          name: 'started',
          summary: "report a container's first process, whose end is then watched for",
          load: async () => (await import('./commands/container-started.ts')).containerStartedCommand,
        },
        {
          name: 'teardown',
          summary: "take containers' networks down; the wishes are kept",
          load: async () => (await import('./commands/container-teardown.ts')).containerTeardownCommand,
        },
        {
          name: 'rm',
          summary: "take containers' networks down and forget the containers",
          load: async () => (await import('./commands/container-rm.ts')).containerRmCommand,
        },
        {
          name: 'ls',
          alias: 'list',
          summary: 'list containers; the same as ps',
          load: async () => (await import('./commands/container-ls.ts')).containerLsCommand,
        },
      ],
    },
    {
      name: 'port',
      summary: 'publish ports of containers, also of those that are up',
      commands: [
        {
          name: 'list',
          alias: 'ls',
          summary: 'show where the ports of a container are reached, or one of them',
          load: async () => (await import('./commands/port-list.ts')).portListCommand,
        },
        {
          name: 'publish',
          summary: 'publish further ports of a container; live when it is up, and nothing else of it is disturbed',
          load: async () => (await import('./commands/port-publish.ts')).portPublishCommand,
        },
        {
          name: 'unpublish',
          summary: 'stop publishing ports of a container; live, and the other ports are not disturbed',
          load: async () => (await import('./commands/port-publish.ts')).portUnpublishCommand,
        },
      ],
    },
    {
      name: 'plan',
      summary: 'show what setting up a container would do, step by step; changes nothing',
      load: async () => (await import('./commands/plan.ts')).planCommand,
    },
  ],
  'Networks:': [
    {
      name: 'network',
      summary: 'networks and their containers; the verbs and options are those of podman network',
      commands: [
        {
          name: 'create',
          summary: 'define a network; its device is made when the first container joins',
          load: async () => (await import('./commands/network-create.ts')).networkCreateCommand,
        },
        {
          name: 'ls',
          alias: 'list',
          summary: 'list the networks of this node',
          load: async () => (await import('./commands/network-ls.ts')).networkLsCommand,
        },
        {
          name: 'inspect',
          summary: 'show all of networks, as the JSON that podman prints and keeps',
          load: async () => (await import('./commands/network-inspect.ts')).networkInspectCommand,
        },
        {
          name: 'exists',
          summary: 'end with 0 when there is such a network, with 1 when there is not',
          load: async () => (await import('./commands/network-exists.ts')).networkExistsCommand,
        },
        {
          name: 'update',
          summary: 'change name servers and guards of a network, at once and for containers that are up too',
          load: async () => (await import('./commands/network-update.ts')).networkUpdateCommand,
        },
        {
          name: 'connect',
          summary: 'join containers to a further network; live when they are up',
          load: async () => (await import('./commands/network-connect.ts')).networkConnectCommand,
        },
        {
          name: 'disconnect',
          summary: 'take containers off a network; live when they are up',
          load: async () => (await import('./commands/network-disconnect.ts')).networkDisconnectCommand,
        },
        {
          name: 'reload',
          summary: 'restore what is missing of containers that are up; what is there is not touched',
          load: async () => (await import('./commands/network-reload.ts')).networkReloadCommand,
        },
        {
          name: 'rm',
          alias: 'remove',
          summary: 'remove networks that no container uses',
          load: async () => (await import('./commands/network-rm.ts')).networkRmCommand,
        },
        {
          name: 'prune',
          summary: 'remove all networks that no container uses',
          load: async () => (await import('./commands/network-prune.ts')).networkPruneCommand,
        },
      ],
    },
    {
      name: 'reachability',
      summary: 'show who reaches which container: by its address, and by its published ports',
      load: async () => (await import('./commands/reachability.ts')).reachabilityCommand,
    },
  ],
  'This host:': [
    {
      name: 'daemon',
      summary: "serve this host's container networks, until SIGTERM or SIGINT",
      load: async () => (await import('./commands/daemon.ts')).daemonCommand,
    },
    {
      name: 'events',
      summary: 'show what happened, and with --follow what happens',
      load: async () => (await import('./commands/events.ts')).eventsCommand,
    },
    {
      name: 'doctor',
      summary: 'check prerequisites and explain how to fix problems',
      load: async () => (await import('./commands/doctor.ts')).doctorCommand,
    },
    {
      name: 'gc',
      summary: 'remove what carries a name of netloom and has no owner',
      load: async () => (await import('./commands/gc.ts')).gcCommand,
    },
    {
      name: 'node',
      summary: 'what the daemon says of itself',
      commands: [
        {
          name: 'info',
          summary: 'show what the node is and how it is',
          load: async () => (await import('./commands/node-info.ts')).nodeInfoCommand,
        },
      ],
    },
    {
      name: 'podman',
      summary: 'let podman have its networks from netloom, and back',
      commands: [
        {
          name: 'install',
          summary: 'let a rootful podman have its networks from netloom',
          load: async () => (await import('./commands/podman.ts')).podmanInstallCommand,
        },
        {
          name: 'uninstall',
          summary: 'let podman have its networks from the engine that it had before',
          load: async () => (await import('./commands/podman.ts')).podmanUninstallCommand,
        },
        {
          name: 'status',
          summary: 'show who makes the networks of podman, and whether that one is well',
          load: async () => (await import('./commands/podman.ts')).podmanStatusCommand,
        },
      ],
    },
  ],
};

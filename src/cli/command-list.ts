import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Adds a command's arguments, options and action to its place in the list. */
export type AddCommand = (parent: Command, terminal: Terminal) => void;

/** A command as its parent's help shows it; its file is loaded only when the command is used. */
export interface ListedCommand {
  name: string;
  alias?: string;
  summary: string;
  load(): Promise<AddCommand>;
}

/** Commands with the same first word. */
export interface ListedGroup {
  name: string;
  summary: string;
  commands: readonly ListedCommand[];
}

/** All commands, under the headings of `netloom --help`. */
export const commandList: Readonly<Record<string, readonly (ListedCommand | ListedGroup)[]>> = {
  'Containers:': [
    {
      name: 'run',
      summary: 'run a command in a network of its own, which is torn down when the command ends',
      load: async () => (await import('./commands/run.ts')).runCommand,
    },
    { name: 'ps', summary: 'list containers', load: async () => (await import('./commands/ps.ts')).psCommand },
    {
      name: 'inspect',
      summary: 'show everything about containers',
      load: async () => (await import('./commands/inspect.ts')).inspectCommand,
    },
    {
      name: 'stats',
      summary: "show traffic counters of containers' interfaces and published ports",
      load: async () => (await import('./commands/stats.ts')).statsCommand,
    },
    {
      name: 'container',
      summary: 'set up and tear down container networks, step by step',
      commands: [
        {
          name: 'create',
          summary: 'store the wish for a container; build nothing yet',
          load: async () => (await import('./commands/container-create.ts')).containerCreateCommand,
        },
        {
          name: 'setup',
          summary: "build containers' networks",
          load: async () => (await import('./commands/container-setup.ts')).containerSetupCommand,
        },
        {
          name: 'started',
          summary: "report a container's first process; the daemon then watches for its end",
          load: async () => (await import('./commands/container-started.ts')).containerStartedCommand,
        },
        {
          name: 'exited',
          summary: "report the exit code of a container's process",
          load: async () => (await import('./commands/container-exited.ts')).containerExitedCommand,
        },
        {
          name: 'teardown',
          summary: "tear down containers' networks; keeps what setup needs to build them again",
          load: async () => (await import('./commands/container-teardown.ts')).containerTeardownCommand,
        },
        {
          name: 'rm',
          summary: "tear down containers' networks, and remove the containers",
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
      summary: 'publish and unpublish ports, also of running containers',
      commands: [
        {
          name: 'list',
          alias: 'ls',
          summary: 'show where the ports of a container, or one of them, can be reached',
          load: async () => (await import('./commands/port-list.ts')).portListCommand,
        },
        {
          name: 'publish',
          summary: 'publish more ports of a container, at once if it is up; does not disturb the others',
          load: async () => (await import('./commands/port-publish.ts')).portPublishCommand,
        },
        {
          name: 'unpublish',
          summary: 'stop publishing ports of a container, at once; does not disturb the others',
          load: async () => (await import('./commands/port-publish.ts')).portUnpublishCommand,
        },
      ],
    },
    {
      name: 'plan',
      summary: 'show what setting up a container would do, step by step; change nothing',
      load: async () => (await import('./commands/plan.ts')).planCommand,
    },
  ],
  'Networks:': [
    {
      name: 'network',
      summary: 'manage networks; verbs and options are those of podman network',
      commands: [
        {
          name: 'create',
          summary: 'define a network; its device is created when the first container joins',
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
          summary: 'show networks as the JSON that podman prints and stores',
          load: async () => (await import('./commands/network-inspect.ts')).networkInspectCommand,
        },
        {
          name: 'exists',
          summary: 'exit with 0 if the network exists, with 1 if it does not',
          load: async () => (await import('./commands/network-exists.ts')).networkExistsCommand,
        },
        {
          name: 'update',
          summary: 'change name servers and guards of a network, at once, also for running containers',
          load: async () => (await import('./commands/network-update.ts')).networkUpdateCommand,
        },
        {
          name: 'connect',
          summary: 'connect containers to another network, at once if they are up',
          load: async () => (await import('./commands/network-connect.ts')).networkConnectCommand,
        },
        {
          name: 'disconnect',
          summary: 'disconnect containers from a network, at once if they are up',
          load: async () => (await import('./commands/network-disconnect.ts')).networkDisconnectCommand,
        },
        {
          name: 'reload',
          summary: 'restore missing parts of containers that are up; leave the others alone',
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
      summary: 'show what reaches which container, by address and by published port',
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
      summary: 'show past events; with --follow also new ones',
      load: async () => (await import('./commands/events.ts')).eventsCommand,
    },
    {
      name: 'doctor',
      summary: 'check prerequisites and explain how to fix problems',
      load: async () => (await import('./commands/doctor.ts')).doctorCommand,
    },
    {
      name: 'gc',
      summary: "remove netloom's kernel objects that have no owner",
      load: async () => (await import('./commands/gc.ts')).gcCommand,
    },
    {
      name: 'node',
      summary: 'show the daemon of this host',
      commands: [
        {
          name: 'info',
          summary: 'show the state of the daemon',
          load: async () => (await import('./commands/node-info.ts')).nodeInfoCommand,
        },
      ],
    },
    {
      name: 'podman',
      summary: 'make podman use netloom for its networks, or undo that',
      commands: [
        {
          name: 'install',
          summary: 'make a rootful podman use netloom for its networks',
          load: async () => (await import('./commands/podman.ts')).podmanInstallCommand,
        },
        {
          name: 'uninstall',
          summary: 'make podman use its former engine for its networks again',
          load: async () => (await import('./commands/podman.ts')).podmanUninstallCommand,
        },
        {
          name: 'status',
          summary: "show which engine makes podman's networks, and whether it works",
          load: async () => (await import('./commands/podman.ts')).podmanStatusCommand,
        },
      ],
    },
  ],
};

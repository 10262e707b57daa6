import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { doorDir } from '../../src/cli/podman/programs.ts';
import { untilAnswered } from '../support/daemon.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { programs } from './missing.ts';

/** `netloom`, on a host for podman. */
export const cli = `node ${createRequire(import.meta.url).resolve('#cli')}`;

/** What makes the networks: podman's own engine, or netloom behind its door. */
export type Engine = 'netavark' | 'netloom';

export interface CommandResult {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
}

/**
 * A host of its own for an unchanged podman: network, mount and process namespaces, with /run, podman's storage and its
 * configuration empty at first. Beside it is `outside`, a machine on the same wire:
 *
 *     outside out0 10.77.0.2, fd77::2  ——  up0 10.77.0.1, fd77::1 the host
 *
 * Everything ends with the process that opened it, for it lives as long as a pipe from there.
 */
export class PodmanHost {
  #daemon = false;
  /** where containers find their files: busybox, and a web server that names the sender of a request */
  readonly rootfs: string;

  private constructor(
    readonly engine: Engine,
    private readonly directory: { path: string; remove(): void },
    private readonly holder: ChildProcess,
    /** of the first process in it, as seen from here */
    private readonly pid: number,
  ) {
    this.rootfs = `${directory.path}/rootfs`;
  }

  /** Its network namespace, the one of the machine beside it, and that of a container: for programs of this machine. */
  get netns(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  get outsideNetns(): string {
    return `/proc/${this.pid}/root/run/outside`;
  }

  async netnsOf(container: string): Promise<string> {
    const path = await this.must(`inspect -f {{.NetworkSettings.SandboxKey}} ${container}`);
    return `/proc/${this.pid}/root${path}`;
  }

  /** `root`: a directory with another podman and everything that it needs, which is then run below that root. */
  static async open(engine: Engine, root = ''): Promise<PodmanHost> {
    const directory = temporaryDirectory();
    makeRootfs(`${directory.path}/rootfs`);
    makeConfiguration(`${directory.path}/etc`);
    if (root) makeDoorsElsewhere(`${directory.path}/doors`);
    const holder = spawn(
      'unshare',
      [...namespaces, 'bash', '-c', hostScript, 'host', directory.path, root, doorDir, newerScript],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const lines = createInterface({ input: holder.stdout as NonNullable<typeof holder.stdout> });
    const [line] = (await Promise.race([once(lines, 'line'), once(holder, 'exit')])) as [string];
    if (line !== 'ready') throw new Error(`the host for podman could not be made: ${line}`);
    const children = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    const host = new PodmanHost(engine, directory, holder, Number(children.trim()));
    if (engine === 'netloom') await host.goToNetloom();
    return host;
  }

  /** Starts the daemon and configures podman as docs/podman.md describes. */
  async goToNetloom(): Promise<void> {
    await this.startDaemon();
    await this.sh(`${cli} podman install`);
  }

  /** Kills it with everything in it. */
  async close(): Promise<void> {
    const ended = once(this.holder, 'exit');
    this.holder.stdin?.end();
    await ended;
    this.directory.remove();
  }

  async startDaemon(): Promise<void> {
    const log = '/run/netloom.log';
    await this.sh(
      `setsid ${cli} daemon --node testnode --nats-port 0 </dev/null >>${log} 2>&1 & echo $! >/run/daemon.pid`,
    );
    await untilAnswered(async () => {
      const { exitCode } = await this.run(`${cli} node info`);
      if (exitCode !== 0) throw new Error(`the daemon does not serve:\n${(await this.run(`tail ${log}`)).stdout}`);
    });
    this.#daemon = true;
  }

  /** Sends SIGTERM, and waits for the end. */
  async stopDaemon(): Promise<void> {
    if (!this.#daemon) return;
    this.#daemon = false;
    await this.sh('pid=$(cat /run/daemon.pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.02; done');
  }

  /** Runs `netloom …` on it. */
  netloom(command: string): Promise<CommandResult> {
    return this.run(`${cli} ${command}`);
  }

  /** Runs a shell command on it, which may fail. */
  run(command: string, input = ''): Promise<CommandResult> {
    return enter(this.pid, ['sh', '-c', command], input);
  }

  /** Runs a shell command on it that must succeed: its stdout. */
  async sh(command: string, input = ''): Promise<string> {
    return mustSucceed(command, await this.run(command, input));
  }

  /** Runs a shell command on the machine beside it. */
  outside(command: string): Promise<CommandResult> {
    return enter(this.pid, ['nsenter', '--net=/run/outside', 'sh', '-c', command]);
  }

  /** Runs `podman …`, which may fail. */
  podman(command: string): Promise<CommandResult> {
    return this.run(`podman ${command}`);
  }

  /** Runs `podman …`, which must succeed: its stdout. */
  async must(command: string): Promise<string> {
    return this.sh(`podman ${command}`);
  }

  async json<T>(command: string): Promise<T> {
    return JSON.parse(await this.must(command)) as T;
  }

  /** `podman run -d`: a container that serves HTTP on port 80, names the sender of a request, and is ready by now. */
  async start(name: string, options = '', command = webServer): Promise<string> {
    return mustSucceed(`podman run ${name}`, await this.tryStart(name, options, command));
  }

  /** The same, without waiting for a container. */
  async tryStart(name: string, options = '', command = webServer): Promise<CommandResult> {
    const result = await this.podman(`run -d ${this.options(name, options)} ${command}`);
    if (result.exitCode === 0) await this.serves(name, command);
    return result;
  }

  /** `podman create` of the container that `start` runs. */
  async create(name: string, options = ''): Promise<void> {
    await this.must(`create ${this.options(name, options)} ${webServer}`);
  }

  /** `podman start` (or `restart`) of an existing web server. */
  async startAgain(name: string, verb = 'start'): Promise<void> {
    await this.must(`${verb} ${name}`);
    await this.serves(name);
  }

  private options(name: string, options: string): string {
    // a container in a pod has the pod's address
    const hostname = options.includes('--pod ') ? '' : `--hostname ${name}`;
    return `--name ${name} ${hostname} --pidfile ${pidFile(name)} ${options} --rootfs ${this.rootfs}`;
  }

  /** podman has started a process, but the process may not have opened its port yet */
  async serves(name: string, command = webServer): Promise<void> {
    const port = command === webServer ? 80 : Number(/^udp-echo (\d+)/.exec(command)?.[1]);
    if (!port) return;
    const bound = `:${port.toString(16).toUpperCase().padStart(4, '0')} 0`;
    const sockets = `cd /proc/$(cat ${pidFile(name)})/net && cat tcp tcp6 udp udp6`;
    await this.sh(`timeout 20 sh -c 'until (${sockets}) 2>/dev/null | grep -q "${bound}"; do sleep 0.01; done'`);
  }

  /** Returns the output of a command in a container; stderr when it fails. */
  async within(container: string, command: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(`podman exec ${container} sh -c '${command}'`);
    return exitCode === 0 ? stdout : `${stdout}${stderr}`.trim();
  }

  /** Removes all containers, pods and networks. Twice, for podman 4.3 fails on those that share a namespace. */
  async clear(): Promise<void> {
    await this.must('pod rm -f -a -t 0');
    await this.sh('podman rm -f -a -t 0 || podman rm -f -a -t 0');
    await this.must('network prune -f');
  }

  /** Waits until no process runs and podman has cleaned up, which conmon makes it do. */
  async settled(): Promise<void> {
    await this.sh('timeout 10 sh -c \'while pgrep -x "conmon|aardvark-dns" >/dev/null; do sleep 0.02; done\'');
  }

  /** What is left in the host's kernel and in /run/netns beside the host itself. */
  async remains(): Promise<{ links: string[]; namespaces: string[]; processes: string[] }> {
    const links = await this.sh("ip -o link | awk -F': ' '{print $2}' | cut -d@ -f1");
    const namespaces = await this.sh('ls /run/netns 2>/dev/null || true');
    const processes = await this.processes();
    const lines = (text: string) => text.split('\n').filter(Boolean);
    return {
      links: lines(links).filter((name) => name !== 'lo' && name !== 'up0'),
      namespaces: lines(namespaces),
      processes: lines(processes).filter((args) => !/nats-server|main\.js daemon|^busybox|^sleep infinity/.test(args)),
    };
  }

  /** Their arguments, one per line. An entry in brackets has ended and is being reaped, for which a moment is allowed. */
  private processes(): Promise<string> {
    return this.sh(`
      for _ in $(seq 100); do
        processes=$(ps -eo args= | grep -v -e "^ps " -e "^grep " -e "^sh -c" -e "^bash -c" -e "^nsenter")
        echo "$processes" | grep -q "^\\[" || break
        sleep 0.02
      done
      echo "$processes"`);
  }
}

const udpEcho = new URL('../../native/build/test-programs/udp-echo', import.meta.url).pathname;
const webServer = 'httpd -f -p 80 -h /www';
const pidFile = (name: string) => `/run/${name}.pid`;

const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

/**
 * $1: its directory, $2: another root for podman or nothing, $3: the directory of the doors,
 * $4: the script for that root. Foreign namespaces that are pinned on this machine are not kept alive here. crun needs a pure
 * cgroup2 tree. bash, for it reaps the children that podman leaves to it.
 */
const hostScript = `
set -e
for m in $(awk '$3 == "nsfs" {print $2}' /proc/mounts); do umount -l "$m" 2>/dev/null || true; done
umount -R -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run; mkdir -p /run/lock /run/netns
for d in /var/lib/containers /var/lib/netloom /var/lib/cni; do mkdir -p $d; mount -t tmpfs tmpfs $d; done
mount --bind "$1/etc" /etc/containers
mount --bind "$1/etc/resolv.conf" /etc/resolv.conf
touch /run/outside; unshare --net=/run/outside true
ip link set lo up
nsenter --net=/run/outside ip link add out0 type veth peer name up0 netns 1
ip addr add 10.77.0.1/24 dev up0; ip addr add fd77::1/64 dev up0 nodad; ip link set up0 up
nsenter --net=/run/outside sh -c 'ip link set lo up; ip addr add 10.77.0.2/24 dev out0; ip addr add fd77::2/64 dev out0 nodad; ip link set out0 up'
ip route add default via 10.77.0.2; ip -6 route add default via fd77::2
nsenter --net=/run/outside busybox httpd -p 80 -h "$1/rootfs/www"
if [ -n "$2" ]; then
  mount --make-shared /run
  unshare --mount --propagation unchanged bash -c "$4" newer "$1" "$2" "$3" &
  until [ -e /run/newer ]; do sleep 0.01; done
  mkdir /run/bin
  printf '#!/bin/sh\\nexec nsenter --mount=/proc/%s/ns/mnt /usr/bin/podman "$@"\\n' $! >/run/bin/podman
  printf '#!/bin/sh\\nexec nsenter --mount=/proc/%s/ns/mnt "$@"\\n' $! >/run/bin/in-newer
  chmod +x /run/bin/podman /run/bin/in-newer
fi
echo ready
read -r end
`;

/**
 * Beside it, for another podman: a mount namespace whose root is that podman's, in an overlay so that it stays unchanged.
 * This machine is `/machine` there, and mounts in /run are visible in both.
 */
const newerScript = `
set -e
mkdir "$1/upper" "$1/root"; mount -t tmpfs tmpfs "$1/upper"; mkdir "$1/upper/work" "$1/upper/data"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper/data,workdir=$1/upper/work" overlay "$1/root"
cd "$1/root"
mkdir -p machine proc sys dev run tmp var/lib/containers etc/containers ".$1/rootfs" ".$3"
mount --bind "$1/doors" ".$3"; mount --bind "$1/rootfs" ".$1/rootfs"; cp "$1/etc/resolv.conf" etc/resolv.conf
mount -t proc proc proc; mount --rbind /sys sys; mount --rbind /dev dev; mount --bind /run run
mount --bind /var/lib/containers var/lib/containers; mount --bind /etc/containers etc/containers
pivot_root . machine
touch /run/newer
exec sleep infinity
`;

/** What podman needs on a machine whose cgroups and file systems are not made for it. */
const containersConf = `[containers]
cgroups = "disabled"
log_driver = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
`;

const storageConf = `[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
`;

function makeConfiguration(directory: string): void {
  mkdirSync(`${directory}/networks`, { recursive: true });
  const files = {
    'containers.conf': containersConf,
    'storage.conf': storageConf,
    'policy.json': JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
    'registries.conf': '',
    'resolv.conf': 'nameserver 10.77.0.2\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${directory}/${name}`, text);
}

const applets = ['sh', 'ip', 'wget', 'nc', 'httpd', 'nslookup', 'sleep', 'cat', 'ls', 'grep', 'hostname', 'ping'];

function makeRootfs(directory: string): void {
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp', 'run', 'www/cgi-bin'])
    mkdirSync(`${directory}/${name}`, { recursive: true });
  copyFileSync(programs.busybox, `${directory}/bin/busybox`);
  copyFileSync(udpEcho, `${directory}/bin/udp-echo`);
  for (const applet of applets) symlinkSync('busybox', `${directory}/bin/${applet}`);
  const who = `${directory}/www/cgi-bin/who`;
  writeFileSync(who, '#!/bin/sh\nprintf "\\r\\n%s saw %s\\n" "$(hostname)" "$REMOTE_ADDR"\n');
  chmodSync(who, 0o755);
}

/** What podman finds below another root in place of the doors: it needs the libraries of this machine. */
function makeDoorsElsewhere(directory: string): void {
  mkdirSync(directory);
  for (const name of ['netavark', 'aardvark-dns'])
    writeFileSync(`${directory}/${name}`, `#!/bin/sh\nexec chroot /machine ${doorDir}/${name} "$@"\n`, { mode: 0o755 });
}

async function enter(pid: number, command: string[], input = ''): Promise<CommandResult> {
  const { stdout, stderr, exitCode } = await execa(
    'nsenter',
    ['-t', `${pid}`, '-n', '-m', '-p', '-w', '--', ...command],
    {
      input,
      reject: false,
      timeout: 60_000,
      env: { PATH: `/run/bin:${process.env.PATH}`, HOME: '/root', TERM: 'dumb' },
      extendEnv: false,
    },
  );
  return { stdout, stderr, exitCode };
}

function mustSucceed(command: string, { stdout, stderr, exitCode }: CommandResult): string {
  if (exitCode === 0) return stdout;
  throw new Error(`${command}\nended with ${exitCode}: ${stderr}\n${stdout}`);
}

/** Lines of `ps` here, of processes whose command line contains that directory. */
export function processesBelow(directory: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(directory));
}

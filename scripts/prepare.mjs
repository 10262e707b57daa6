// Makes this machine ready for `npm run demo`, `npm test` and `npm run bench`: what is there is left alone, what is
// missing is installed or built. Plain Node without dependencies, for it runs before there are any.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Debian packages, and the programs or files by which their presence shows; one of them is enough. */
const packages = {
  'nats-server': ['nats-server'],
  nftables: ['nft'], // brings libnftables.so.1
  iproute2: ['ip'],
  'util-linux': ['nsenter'],
  procps: ['ps'],
  cmake: ['cmake'],
  make: ['make'],
  'g++': ['c++', 'g++', 'clang++'],
  'libnats-dev': ['/usr/include/nats/nats.h', '/usr/local/include/nats/nats.h'],
  'nlohmann-json3-dev': ['/usr/include/nlohmann/json.hpp', '/usr/local/include/nlohmann/json.hpp'],
};

/** With `--tests`: what only the tests need, to see netloom's work with the eyes of others. */
const testPackages = {
  podman: ['podman'],
  netavark: ['netavark'], // without it podman keeps its networks in another format
  'aardvark-dns': ['aardvark-dns'], // answers for the names of containers on those networks
  'busybox-static': ['busybox'], // all that is in the containers
  conntrack: ['conntrack'],
  iptables: ['iptables'], // netavark 1.4 calls it
  'dnsmasq-base': ['dnsmasq'], // a DHCP server; the service is in another package
};

/** With `--bench`: whom netloom is measured against. */
const benchPackages = {
  netavark: ['netavark'],
  'aardvark-dns': ['aardvark-dns'],
  iptables: ['iptables'],
  'containernetworking-plugins': ['portmap'],
};

if (process.argv.includes('--tests')) Object.assign(packages, testPackages);
checkNode();
installDebianPackages();
installNpmPackages();
step('native addon is built', 'npm', ['run', '--silent', 'build:native']);
step('TypeScript is compiled', 'npm', ['run', '--silent', 'build:ts']);
if (process.argv.includes('--bench')) {
  installCompetitors();
  const targets = ['--target', 'floor', 'stopwatch'];
  step('programs of the bench are built', 'cmake', ['--build', 'native/build', ...targets]);
  fetchNewerNetavark();
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    giveUp(`netloom needs Node.js 20.19 or newer, and this is ${process.versions.node}: see https://nodejs.org`);
}

function installDebianPackages() {
  const missing = Object.keys(packages).filter((name) => !packages[name].some(isInstalled));
  if (missing.length === 0) return;
  const wanted = missing.join(' ');
  if (!isInstalled('apt-get')) giveUp(`please install what this distribution calls: ${wanted}`);
  if (process.getuid() !== 0)
    giveUp(`something is missing; please run: sudo apt-get install --no-install-recommends ${wanted}`);
  const install = [
    `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} installed`,
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...missing],
  ];
  // old package lists may name what is no longer there
  if (!hasPackageLists() || attempt(...install) !== null) {
    step('apt package lists are read', 'apt-get', ['update', '-qq']);
    step(...install);
  }
  if (missing.includes('nats-server')) stopDebiansService();
}

/** The package starts an open server on port 4222, and would at every boot; netloom runs one of its own. */
function stopDebiansService() {
  if (!existsSync('/run/systemd/system')) return;
  step("Debian's nats-server service is switched off", 'systemctl', ['disable', '--now', '--quiet', 'nats-server']);
}

/** Who cannot be had is not measured: the bench says so, and nothing else depends on it. */
function installCompetitors() {
  const missing = Object.keys(benchPackages).filter((name) => !benchPackages[name].some(isInstalled));
  if (missing.length === 0 || process.getuid() !== 0 || !isInstalled('apt-get')) return;
  const options = [
    '-y',
    '-qq',
    '--no-install-recommends',
    '-o',
    'Acquire::Retries=0',
    '-o',
    'Acquire::http::Timeout=10',
  ];
  const install = [`${missing.join(', ')}: installed`, 'apt-get', ['install', ...options, ...missing]];
  if (hasPackageLists() && attempt(...install) === null) return;
  if (attempt('apt package lists are read', 'apt-get', ['update', '-qq']) === null && attempt(...install) === null)
    return;
  console.error(`prepare: without ${missing.join(', ')}: not to be had`);
}

/** Not installed, only measured; without it the bench goes by the installed one. */
function fetchNewerNetavark() {
  const directory = join(root, 'native/build/bench/netavark');
  if (existsSync(join(directory, 'command')) || !isInstalled('apt-get')) return;
  const failure = attempt("Debian's newest netavark is fetched", join(root, 'bench/newer-netavark.sh'), [directory]);
  if (failure) console.error(`prepare: without a newer netavark: ${failure.output.trim().split('\n').at(-1)}`);
}

function hasPackageLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => /_Packages(\.|$)/.test(name));
  } catch {
    return false;
  }
}

function installNpmPackages() {
  const installed = join(root, 'node_modules/.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  // Not `npm ci`: that refuses a lockfile without the optional packages of platforms that are not ours, and a registry
  // need not have those. The versions are the lockfile's all the same, and it is not written.
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error'];
  step('npm packages are installed', 'npm', ['install', '--no-save', '--include=dev', ...quietly]);
}

function isInstalled(program) {
  if (program.startsWith('/')) return existsSync(program);
  const directories = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/local/sbin',
    '/usr/lib/podman',
    '/usr/lib/cni',
    '/opt/cni/bin',
  ];
  return directories.some((directory) => {
    try {
      accessSync(join(directory || '.', program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Ends us when it fails, with all of its output. */
function step(done, command, args) {
  const failure = attempt(done, command, args);
  if (failure === null) return;
  process.stderr.write(failure.output);
  giveUp(`failed: ${command} ${args.join(' ')} (${failure.reason})`);
}

/** One line when it is done, and null; else how it failed. */
function attempt(done, command, args) {
  const startedAt = Date.now();
  const { status, signal, error, output } = run(command, args);
  if (status !== 0) return { output, reason: error?.message ?? signal ?? `exit code ${status}` };
  // not on stdout, which is for what the command after us prints
  console.error(`prepare: ${done} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  return null;
}

function run(command, args) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  return { status, signal, error, output: `${stdout ?? ''}${stderr ?? ''}` };
}

function giveUp(reason) {
  console.error(`prepare: ${reason}`);
  process.exit(1);
}

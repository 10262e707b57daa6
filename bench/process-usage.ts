import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second here, whatever its own tick is. */
const ticksPerSecond = 100;

/** Of all threads of a process, in user and kernel mode, so far. */
export function cpuSeconds(pid: number): number {
  return cpuSecondsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Its second field is a name in parentheses, which may contain any character. */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function residentMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!match) throw new Error(`process ${pid} has no memory`);
  return Number(match[1]) / 1024;
}

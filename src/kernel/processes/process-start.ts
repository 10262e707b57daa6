import { readFileSync } from 'node:fs';

/**
 * Returns when a process started, in clock ticks since boot (field 22 of /proc/<pid>/stat): with its pid, this identifies a
 * process for good, whereas pids are reused. null: no such process, or a zombie, which counts as ended.
 */
export function startTicksOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // the name in parentheses may hold anything; what follows it is plain
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? null : Number(fields[18]);
  } catch {
    return null;
  }
}

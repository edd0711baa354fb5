import { readdir, readFile } from 'node:fs/promises';

/** Peak resident memory of a process, its threads included, in bytes. */
export async function peakMemoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`the kernel does not tell the peak memory of process ${pid}`);
  return Number(kibibytes) * 1024;
}

/** Clock ticks of Linux: 100 a second in what /proc tells, on every architecture that Node runs on. */
const TICK = 10;

/** Of a process itself, in milliseconds, and of its children that have ended. */
export async function cpuOf(pid: number): Promise<{ parent: number; own: number; ended: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // proc_pid_stat(5), counted from behind the name, which may hold anything: 4 ppid, 14 utime, 15 stime, 16 cutime, 17 cstime.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = (from: number): number => ((fields[from] ?? 0) + (fields[from + 1] ?? 0)) * TICK;
  return { parent: fields[1] ?? 0, own: ticks(11), ended: ticks(13) };
}

/** Of the processes of Postgres, those of connections that were closed included. */
export async function cpuOfPostgres(postmaster: number): Promise<number> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // One that ends meanwhile is counted by its parent.
  const all = await Promise.all(processes.map((pid) => cpuOf(Number(pid)).catch(() => null)));
  const { own, ended } = await cpuOf(postmaster);
  return all.reduce((sum, cpu) => (cpu?.parent === postmaster ? sum + cpu.own : sum), own + ended);
}

/** The command line's only reader of the environment, commander's `.env()` aside. */
export function setting(name: `SAFEGUARD_${string}` | 'XDG_CONFIG_HOME' | 'NO_COLOR'): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** An empty variable counts as not set, for commander too. */
export function forgetEmptySettings(): void {
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith('SAFEGUARD_') && value === '') Reflect.deleteProperty(process.env, name);
  }
}

/** For a program that is run: all but what is meant for this one, as its token. */
export function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SAFEGUARD_')));
}

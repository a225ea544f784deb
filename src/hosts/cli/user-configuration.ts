/** Where the user's configuration lies: `$XDG_CONFIG_HOME/conductor/config.yaml`. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export const userConfigurationPath = (env: Readonly<Record<string, string | undefined>>): string => {
  // The specification wants relative values ignored.
  const xdg = env['XDG_CONFIG_HOME'];
  const folder = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env['HOME'] || homedir(), '.config');
  return join(folder, 'conductor', 'config.yaml');
};

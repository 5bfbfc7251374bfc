import { execFileSync } from 'node:child_process';

/** The plain tools with which docs/format.md restores without dbops; tests run those very commands. */
const tools: Readonly<Record<string, string>> = {
  sqlite3: 'sqlite3',
  zstd: 'zstd',
  gzip: 'gzip',
  sha256sum: 'coreutils',
  bash: 'bash',
  zsh: 'zsh',
  fish: 'fish',
};

/** Installs what is missing, as root on Debian; a tool that cannot be had fails the tests and skips none. */
export default function installTools(): void {
  const missing = Object.keys(tools).filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return;
  const packages = missing.map((tool) => tools[tool] ?? tool);
  if (process.getuid?.() !== 0) {
    throw new Error(
      `these tests need ${missing.join(', ')}: install them with: sudo apt-get install ${packages.join(' ')}`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'inherit' });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, stdio: 'ignore' });
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', tool], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

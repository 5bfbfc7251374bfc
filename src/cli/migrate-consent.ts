import type { Target } from '../config/settings.ts';
import { DbopsError } from '../core/errors.ts';
import { addressOf } from './addresses.ts';
import { protectedAt } from './consent.ts';
import type { Session } from './session.ts';

/**
 * What destroys rows needs a word from a person, and a protected database its name.
 * @throws DbopsError REFUSED
 */
export async function refuseWithoutConsent(session: Session, target: Target, named: string | undefined): Promise<void> {
  const { location } = addressOf(session, target);
  const guard = protectedAt(session, target, location);
  if (guard !== undefined && named !== guard.name) {
    throw new DbopsError('REFUSED', `${location} is the protected target ${guard.name}`, {
      hint: `Add --yes-replace ${guard.name} if all that migrations made in it is really to be lost.`,
    });
  }
  if (guard !== undefined || session.flags.yes === true) return;
  if (session.host.interactive) {
    const answer = await session.host.ask(
      `Undo all migrations of ${location}, with the rows in what they made? [y/N] `,
    );
    if (/^y(es)?$/i.test(answer.trim())) return;
  }
  throw new DbopsError('REFUSED', `all that migrations made in ${location} would be lost`, {
    hint: 'Add --yes, and look at --dry-run before.',
  });
}

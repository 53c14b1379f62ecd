import { ForbiddenError } from '../platform/errors/api-error.js';
import { Role } from './role.js';
import type { Viewer } from './viewer.js';

export const isGuest = ({ role }: Viewer): boolean => (role as Role) === Role.GUEST;

/**
 * @param action what requires the role, as the subject of a sentence
 * @throws ForbiddenError unless the viewer is an administrator
 */
export function assertAdmin({ role }: Viewer, action: string): void {
  if ((role as Role) !== Role.ADMIN) throw new ForbiddenError(`${action} requires the ADMIN role.`);
}

import { createContext } from 'react';

/** The navigation. Menus are placed in it, so that they belong to a landmark, and no list cuts them off. */
export const SideContext = createContext<HTMLElement | null>(null);

// Few and plain, drawn on a grid of 16.

export const shapes = {
  play: 'M4 2.5v11l9-5.500z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  back: 'M8 3 3 8l5 5zM13 3 8 8l5 5z',
  forward: 'm8 3 5 5-5 5zM3 3l5 5-5 5z',
  phone: 'M5 2 3 3C2.500 8 8 13.500 13 13l1-2-3-2-1.500 1C8 9 7 8 6 6.500L7 5z',
  check: 'm6 13-4.500-4.500L3 7l3 3 7-7 1.500 1.500z',
  warn: 'M8 1.500 15.500 14.500H.5zM7.250 6v4h1.500V6zm0 5.200v1.500h1.500v-1.500z',
  copy: 'M5 1h9v10h-2V3H5zM2 5h8v10H2z',
  close: 'm3 4.400 1.400-1.400L8 6.600 11.600 3 13 4.400 9.400 8 13 11.600 11.600 13 8 9.400 4.400 13 3 11.600 6.600 8z',
  menu: 'M2 3h12v2H2zm0 4h12v2H2zm0 4h12v2H2z',
  dot: 'M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z',
} as const

export type IconName = keyof typeof shapes

// Icons are drawn with the colour of the text around them. Buttons with an icon alone have a label.
const icon = (d: string, fill = false) => () => (
  <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill={fill ? 'currentColor' : 'none'} stroke={fill ? 'none' : 'currentColor'} stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
    <path d={d} />
  </svg>
)

export const Plus = icon('M12 5v14M5 12h14')
export const Gear = icon('M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5')
export const Back = icon('M15 5l-7 7 7 7')
export const Close = icon('M6 6l12 12M18 6L6 18')
export const Info = icon('M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 7.800v.1')
export const Send = icon('M3.400 20.400l17.700-7.500c.8-.3.8-1.500 0-1.800L3.400 3.600c-.7-.3-1.400.4-1.200 1.100L4.300 11l9.200 1-9.200 1-2.100 6.300c-.2.7.5 1.400 1.200 1.100z', true)
export const Clip = icon('M20 11.500l-8 8a5 5 0 0 1-7-7l8.500-8.500a3.300 3.300 0 0 1 4.700 4.700L9.700 17.200a1.700 1.700 0 0 1-2.400-2.400l7.700-7.700')
export const Document = icon('M6 3h8l5 5v13H6zM14 3v5h5')
export const Down = icon('M12 5v14M6 13l6 6 6-6')
export const Search = icon('M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.500 16.500L21 21')
export const Clock = icon('M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.500l3 1.500')
export const Check = icon('M5 12.500l4.500 4.500L19 7.500')
export const Checks = icon('M2 12.500l4.500 4.500L16 7.500M11.500 16l1 1L22 7.500')
export const Bell = icon('M6 17V11a6 6 0 1 1 12 0v6M4 17h16M10 20.500h4M4 4l16 16')
export const Pin = icon('M9 3h6l-1 7 4 4H6l4-4zM12 14v7')

// Numbers and times as people read them. One place, so that a figure looks the same everywhere.

export const NONE = "–";

/** A share, 0 to 1. */
export function percent(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return NONE;
  }
  const shown = value * 100;
  if (shown > 0 && shown < 0.05 && digits <= 1) {
    return "<0.1 %";
  }
  return `${shown.toFixed(digits)} %`;
}

/** A difference of shares, in points. */
export function points(value: number): string {
  const shown = value * 100;
  if (Math.abs(shown) < 0.05) {
    return "±0.0";
  }
  return `${shown > 0 ? "+" : "−"}${Math.abs(shown).toFixed(1)}`;
}

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return NONE;
  }
  if (value >= 100_000) {
    return `${Math.round(value / 1000)} s`;
  }
  if (value >= 10_000) {
    return `${(value / 1000).toFixed(1)} s`;
  }
  if (value >= 1000) {
    return `${(value / 1000).toFixed(2)} s`;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** Dollars; small amounts keep two digits that count. */
export function dollars(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return NONE;
  }
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === 0) {
    return "$0.00";
  }
  if (size >= 1000) {
    return `${sign}$${grouped(Math.round(size))}`;
  }
  if (size >= 0.1) {
    return `${sign}$${size.toFixed(2)}`;
  }
  const digits = Math.min(8, 1 - Math.floor(Math.log10(size)));
  return `${sign}$${size.toFixed(digits)}`;
}

export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return NONE;
  }
  return value >= 100 ? grouped(Math.round(value)) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return NONE;
  }
  return grouped(Math.round(value));
}

/** Thousands with a thin space. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** A moment of the API: Unix seconds, or a text of RFC 3339. */
export function moment(value: number | string | null | undefined): Date | null {
  if (value === null || value === undefined) {
    return null;
  }
  const date = typeof value === "number" ? new Date(value * 1000) : new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}

const two = (n: number): string => String(n).padStart(2, "0");

export function clock(date: Date | null, seconds = true): string {
  if (!date) {
    return NONE;
  }
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${text}:${two(date.getSeconds())}` : text;
}

/** Day and time; today's day is left out. */
export function when(value: number | string | null | undefined): string {
  const date = moment(value);
  if (!date) {
    return NONE;
  }
  const today = new Date();
  const same = date.toDateString() === today.toDateString();
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return same ? clock(date) : `${day} ${clock(date, false)}`;
}

/** How far this browser's clock is from UTC, such as UTC+02:00. */
export function zone(): string {
  const minutes = -new Date().getTimezoneOffset();
  if (minutes === 0) {
    return "UTC";
  }
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** A duration in the two largest units. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) {
    return `${s} s`;
  }
  if (s < 3600) {
    return s % 60 && s < 600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.round(s / 60)} min`;
  }
  if (s < 86_400) {
    const minutes = Math.round((s % 3600) / 60);
    return minutes ? `${Math.floor(s / 3600)} h ${minutes} min` : `${Math.floor(s / 3600)} h`;
  }
  const hours = Math.round((s % 86_400) / 3600);
  return hours ? `${Math.floor(s / 86_400)} d ${hours} h` : `${Math.floor(s / 86_400)} d`;
}

export function ago(value: number | string | null | undefined): string {
  const date = moment(value);
  return date ? `${duration((Date.now() - date.getTime()) / 1000)} ago` : NONE;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

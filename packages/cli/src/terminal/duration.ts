/** The time as `0:07`, `12:34`, `1:02:03` or `2 d 03:04:05`; `–` for what is not a time. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const tail = two(whole % 60);
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}:${tail}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** The time as a person would say it: `40 s`, `9 min`, `2.5 h`, `3 days`. */
export function formatRoughly(seconds: number): string {
  const minutes = seconds / 60;
  if (minutes < 1.5) return `${Math.max(1, Math.round(seconds))} s`;
  if (minutes < 90) return `${minutes < 10 ? Number(minutes.toFixed(1)) : Math.round(minutes)} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${Number(hours.toFixed(1))} h` : `${Math.round(hours / 24)} days`;
}

// Suggests the device's time zone where a page asks for one and nobody has chosen yet.
const select = document.querySelector("[data-guess-time-zone] select");
const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (select && [...select.options].some((option) => option.value === guess)) select.value = guess;

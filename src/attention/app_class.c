/*
 * Application ids are class names, bundle ids, desktop ids and executable names. They are cut at
 * everything that is not a letter or a digit and the words looked up, so that no word is found
 * inside another. A lock screen counts before all else.
 */
#include "attention/app_class.h"

static const struct {
	enum app_class class;
	const char *words[48]; /* NULL-terminated */
} classes[] = {
	{ APP_LOCK, { "loginwindow", "lockscreen", "lockapp", "logonui", "screensaver",
			    "screensaverengine", "swaylock", "hyprlock", "gtklock", "waylock",
			    "i3lock", "xsecurelock", "slock", "kscreenlocker", "xscreensaver" } },
	{ APP_TERMINAL,
		{ "terminal", "terminals", "iterm", "iterm2", "alacritty", "wezterm", "kitty",
			"konsole", "ghostty", "foot", "footclient", "xterm", "uxterm", "urxvt",
			"rxvt", "kgx", "ptyxis", "tilix", "terminator", "terminology", "termite",
			"yakuake", "guake", "tilda", "sakura", "cosmicterm", "windowsterminal",
			"lxterminal", "qterminal", "mintty", "blackbox", "rio", "contour", "hyper",
			"tabby", "warp", "warpterminal" } },
	{ APP_BROWSER, { "chrome", "chromium", "firefox", "firefoxdeveloperedition", "safari",
			       "edge", "msedge", "brave", "arc", "opera", "vivaldi", "librewolf",
			       "waterfox", "floorp", "epiphany", "falkon", "qutebrowser",
			       "thebrowser", "torbrowser", "zen", "palemoon", "seamonkey", "midori",
			       "nyxt", "iexplore", "duckduckgo", "orion", "luakit" } },
};

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_word_byte(char byte)
{
	char c = lower(byte);

	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool same_word(struct str word, const char *known)
{
	size_t i = 0;

	while (i < word.len && known[i] != '\0' && lower(word.ptr[i]) == known[i])
		i++;
	return i == word.len && known[i] == '\0';
}

/* The next word of *REST, which is left behind it; empty at the end. */
static struct str next_word(struct str *rest)
{
	size_t from = 0, to;
	struct str word;

	while (from < rest->len && !is_word_byte(rest->ptr[from]))
		from++;
	for (to = from; to < rest->len && is_word_byte(rest->ptr[to]);)
		to++;
	word = str_sub(*rest, from, to - from);
	*rest = str_sub(*rest, to, rest->len);
	return word;
}

static bool has_word(struct str app_id, const char *const words[])
{
	struct str rest = app_id, word;

	while ((word = next_word(&rest)).len > 0)
		for (size_t i = 0; words[i]; i++)
			if (same_word(word, words[i]))
				return true;
	return false;
}

enum app_class app_class(struct str app_id)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (has_word(app_id, classes[i].words))
			return classes[i].class;
	return APP_OTHER;
}

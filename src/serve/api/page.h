/* The page that the program brings along: text that was embedded when it was built. */
#ifndef TT_SERVE_API_PAGE_H
#define TT_SERVE_API_PAGE_H

extern const char page_html[];
extern const char page_css[];
extern const char page_js[];
extern const char page_svg[];

#endif

"""One module per page.

Each holds one Flask blueprint named `pages`, listed in `web.app.BLUEPRINTS`. Every view
names the least role that may see it with `@least(PersonRole.VIEWER)`, or stands in
`web.access.PUBLIC`; a view that does neither is refused. A template extends `base.html`
and may set `crumbs` (pairs of title and address) and `problems` (what is wrong with a
form); words come from `web.presenters`, so that a template only places them.
"""

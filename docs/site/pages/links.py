"""Where names of `handmade` are described, and where their source is."""

from compare.show.names import lookup


def file_of(name: str) -> str:
    """The page of the reference: the file that defines a name, such as "nn.linear"."""
    return lookup(name).__module__.removeprefix("handmade.")


def reference(name: str) -> str:
    """The address of its description, from a folder of pages."""
    return f"../reference/{file_of(name)}.html#handmade.{name}"


def source(name: str) -> str:
    """The address of its source, from a folder of pages."""
    path = f"handmade/{file_of(name)}".replace(".", "/")
    return f"../_modules/{path}.html#{name.rpartition('.')[2]}"


def both(name: str) -> str:
    """The name as a link to its description, and a link to its source."""
    described = f'<a href="{reference(name)}"><code>handmade.{name}</code></a>'
    return f'<p class="links">{described} <a href="{source(name)}">[source]</a></p>'

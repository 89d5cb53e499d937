"""What stands under the wrappers of a type: null, lists, leaves, objects."""

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLOutputType, GraphQLScalarType


def unwrap_non_null(type_: GraphQLOutputType) -> tuple[bool, GraphQLOutputType]:
    """Whether null is allowed, and the type behind that."""
    return (False, type_.of_type) if isinstance(type_, GraphQLNonNull) else (True, type_)


def is_leaf_or_leaf_list(type_: GraphQLOutputType) -> bool:
    """Whether it is a leaf, or a list of leaves however deep."""
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return isinstance(type_, GraphQLScalarType | GraphQLEnumType)


def is_single_object(type_: GraphQLOutputType) -> bool:
    """Whether it is an object, and no list of them."""
    return not isinstance(unwrap_non_null(type_)[1], GraphQLList | GraphQLScalarType | GraphQLEnumType)
